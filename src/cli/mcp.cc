#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "cli/commands.h"
#include "mcp/server.h"
#include "sys/descriptor.h"

// `mcp`: lets a model's client ask for plans and runs (docs/mcp.md). Each call of a tool is a
// command of our own binary, so that a run is a process of its own, and whatever happens to one
// call happens to no other.
namespace interlock::cli {
namespace {

using mcp::Moment;
using mcp::Server;
using sys::Descriptor;

constexpr std::size_t kOutputBytesMax = 64u << 20;
constexpr Moment kLastWords = std::chrono::seconds(10);

Moment now() {
  return std::chrono::duration_cast<Moment>(std::chrono::steady_clock::now().time_since_epoch());
}

/// A command that runs.
struct Running {
  pid_t process = -1;
  sys::Descriptor out, err;
  std::string reported, said;

  bool is_over() const { return !out && !err; }
};

/// Reads what is there; closes at the end, or where more comes than anybody can want.
void read_some(sys::Descriptor& from, std::string& to) {
  std::array<char, 65536> piece{};
  const ssize_t got = ::read(from.get(), piece.data(), piece.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) to.append(piece.data(), static_cast<std::size_t>(got));
  if (got <= 0 || to.size() > kOutputBytesMax) from.reset();
}

Result<sys::Descriptor> input_of(const std::string& text) {
  if (text.empty()) return sys::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  sys::Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail(Error::Kind::io, fmt::format("cannot keep the plan: {}", std::strerror(errno)));
  return file;
}

class Commands {
 public:
  explicit Commands(std::string state_folder) : state_folder_(std::move(state_folder)) {
    std::error_code trouble;
    program_ = std::filesystem::read_symlink("/proc/self/exe", trouble).string();
  }
  ~Commands() {
    for (auto& [call, one] : running_) end(one);
  }
  Commands(const Commands&) = delete;

  Result<void> start(Server::CallId call, const mcp::Command& command);
  void stop(Server::CallId call) {
    const auto found = running_.find(call);
    if (found == running_.end()) return;
    end(found->second);
    running_.erase(found);
  }
  /// Adds what is to be waited for.
  void add_to(std::vector<pollfd>& polled) const {
    for (const auto& [call, one] : running_) {
      for (const sys::Descriptor* stream : {&one.out, &one.err}) {
        if (*stream) polled.push_back({stream->get(), POLLIN, 0});
      }
    }
  }
  /// Reads what came, and tells which have ended.
  std::vector<std::pair<Server::CallId, mcp::Ended>> take(const std::vector<pollfd>& polled);

 private:
  static void end(Running& one) {
    ::kill(one.process, SIGTERM);
    while (::waitpid(one.process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  std::string state_folder_, program_;
  std::map<Server::CallId, Running> running_;
};

Result<void> Commands::start(Server::CallId call, const mcp::Command& command) {
  auto input = input_of(command.input);
  if (!input) return std::unexpected(input.error());
  std::array<int, 2> out{}, err{};
  const auto no_pipe = [] {
    return fail(Error::Kind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  };
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return no_pipe();
  Running one;
  one.out = sys::Descriptor(out[0]);
  const sys::Descriptor out_end(out[1]);
  if (::pipe2(err.data(), O_CLOEXEC) != 0) return no_pipe();
  one.err = sys::Descriptor(err[0]);
  const sys::Descriptor err_end(err[1]);

  std::vector<std::string> words{program_, "--state", state_folder_, "--color", "never"};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input->get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err_end.get(), STDERR_FILENO);
  const int trouble =
      ::posix_spawn(&one.process, program_.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (trouble != 0)
    return fail(Error::Kind::io, fmt::format("cannot start a command: {}", std::strerror(trouble)));
  running_.insert_or_assign(call, std::move(one));
  return {};
}

std::vector<std::pair<Server::CallId, mcp::Ended>> Commands::take(
    const std::vector<pollfd>& polled) {
  std::vector<std::pair<Server::CallId, mcp::Ended>> ended;
  const auto is_ready = [&](const sys::Descriptor& stream) {
    for (const pollfd& one : polled) {
      if (stream && one.fd == stream.get() && one.revents != 0) return true;
    }
    return false;
  };
  for (auto at = running_.begin(); at != running_.end();) {
    const auto current = at++;
    Running& one = current->second;
    if (is_ready(one.out)) read_some(one.out, one.reported);
    if (is_ready(one.err)) read_some(one.err, one.said);
    if (!one.is_over()) continue;
    if (one.reported.size() > kOutputBytesMax) ::kill(one.process, SIGTERM);
    int status = 0;
    while (::waitpid(one.process, &status, 0) < 0 && errno == EINTR) {
    }
    mcp::Ended how{std::nullopt, std::move(one.reported), std::move(one.said)};
    if (WIFEXITED(status)) how.status = WEXITSTATUS(status);
    ended.emplace_back(current->first, std::move(how));
    running_.erase(current);
  }
  return ended;
}

/// What comes in, line by line.
class Lines {
 public:
  /// False at the end of the input.
  bool read_more() {
    std::array<char, 65536> piece{};
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return false;
    text_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }
  /// Nothing: no line is whole yet. An empty line with `is_too_long` stands for one nobody reads.
  std::optional<std::string> next(bool& is_too_long) {
    is_too_long = false;
    const std::size_t end = text_.find('\n');
    if (end == std::string::npos) {
      if (text_.size() <= mcp::kLineBytesMax) return std::nullopt;
      text_.clear();
      is_too_long = !std::exchange(skips_, true);
      return is_too_long ? std::optional<std::string>("") : std::nullopt;
    }
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    if (std::exchange(skips_, false)) line.clear();
    is_too_long = line.size() > mcp::kLineBytesMax;
    return line;
  }

 private:
  std::string text_;
  bool skips_ = false;  ///< The rest of a line that was too long.
};

/// Joins the protocol to the world; false when nobody listens any more.
class Loop {
 public:
  Loop(const Context& context, Server::Options options)
      : server_(std::move(options)), commands_(context.state_folder) {}

  /// Until the input ends, and then what was asked for and only waits for nothing but itself: a
  /// client that closes its end wants no half-made run.
  void run() {
    std::optional<Moment> last;
    while (!is_gone_ && (!last || (server_.calls() > 0 && now() < *last))) {
      // A negative descriptor is passed over.
      std::vector<pollfd> polled{{last ? -1 : STDIN_FILENO, POLLIN, 0}};
      commands_.add_to(polled);
      if (::poll(polled.data(), polled.size(), timeout(last)) < 0 && errno != EINTR) return;
      if (polled[0].revents != 0 && !lines_.read_more()) last = now() + kLastWords;
      bool is_too_long = false;
      while (auto line = lines_.next(is_too_long))
        act(is_too_long ? Server::take_too_long() : server_.take(*line, now()));
      if (last) act(server_.give_up_waiting());
      for (auto& [call, how] : commands_.take(polled)) act(server_.ended(call, how, now()));
      act(server_.wake(now()));
    }
  }

 private:
  int timeout(std::optional<Moment> last) const {
    auto next = server_.next_wake();
    if (last && (!next || *last < *next)) next = last;
    if (!next) return -1;
    return static_cast<int>(
        std::clamp((*next - now()).count() + 1, std::int64_t{0}, std::int64_t{60'000}));
  }
  void act(std::vector<Server::Act> acts) {
    for (Server::Act& one : acts) {
      if (const auto* send = std::get_if<Server::Send>(&one)) write(send->line);
      if (const auto* stop = std::get_if<Server::Stop>(&one)) commands_.stop(stop->call);
      if (const auto* start = std::get_if<Server::Start>(&one)) {
        if (const auto started = commands_.start(start->call, start->command); !started)
          act(server_.ended(start->call, {std::nullopt, {}, started.error().message}, now()));
      }
    }
  }
  void write(std::string_view text) {
    while (!text.empty() && !is_gone_) {
      const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      is_gone_ = written < 0;
      if (!is_gone_) text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  Server server_;
  Commands commands_;
  Lines lines_;
  bool is_gone_ = false;
};

}  // namespace

Result<Exit> mcp_command(const Context& context, bool may_approve) {
  if (::isatty(STDIN_FILENO) != 0) {
    return fail(Error::Kind::invalid,
                "`interlock mcp` is started by an agent's client, not by hand",
                "add it to the client: `interlock init` says how, and docs/mcp.md");
  }
  Server::Options options;
  options.version = std::string(kVersion);
  options.approval = may_approve ? mcp::Approval::by_clients : mcp::Approval::by_people;
  std::random_device dice;
  for (int i = 0; i < 4; ++i) options.secret += fmt::format("{:08x}", dice());
  options.wall_clock = [] {
    return show_time(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()));
  };
  Loop(context, std::move(options)).run();
  return Exit::done;
}

}  // namespace interlock::cli
