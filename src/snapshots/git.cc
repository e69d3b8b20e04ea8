#include "snapshots/git.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <ranges>
#include <shared_mutex>
#include <thread>

#include "base/text.h"
#include "snapshots/shut_off.h"
#include "sys/awaited_children.h"
#include "sys/descriptor.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

using std::chrono::steady_clock;
using sys::Descriptor;

constexpr std::chrono::minutes kPatience{10};

/// Where programs, home and configuration of the person are; nothing else of theirs.
constexpr std::array kPassedOn{"HOME",
                               "USER",
                               "LOGNAME",
                               "TMPDIR",
                               "XDG_CONFIG_HOME",
                               "GIT_CONFIG_NOSYSTEM",
                               "GIT_CONFIG_SYSTEM",
                               "GIT_CONFIG_GLOBAL"};
/// No questions, no locks on the person's index for a look, and no transport: what is missing in a
/// repository is not fetched by the way.
constexpr std::array kOwnVariables{"LC_ALL=C",
                                   "GIT_TERMINAL_PROMPT=0",
                                   "GIT_OPTIONAL_LOCKS=0",
                                   "GIT_NO_LAZY_FETCH=1",
                                   "GIT_ALLOW_PROTOCOL=none",
                                   "GIT_EDITOR=false",
                                   "GIT_ASKPASS=false",
                                   "SSH_ASKPASS=false",
                                   "GIT_PAGER=cat"};
constexpr std::array kOwnSettings{"core.hooksPath=/dev/null",
                                  "core.fsmonitor=false",
                                  "core.untrackedCache=false",
                                  "core.sshCommand=false",
                                  "core.gitProxy=none",
                                  "core.pager=cat",
                                  "core.editor=false",
                                  "core.alternateRefsCommand=true",
                                  "core.safecrlf=false",
                                  "credential.helper=",
                                  "diff.external=",
                                  "commit.gpgSign=false",
                                  "tag.gpgSign=false",
                                  "gpg.program=false",
                                  "gc.auto=0",
                                  "maintenance.auto=false",
                                  "advice.addEmbeddedRepo=false",
                                  "uploadpack.packObjectsHook="};

struct Pipe {
  sys::Descriptor read{-1}, write{-1};

  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = sys::Descriptor(ends[0]);
    write = sys::Descriptor(ends[1]);
    return true;
  }
};

void close_now(sys::Descriptor& one) {
  const sys::Descriptor closing = std::exchange(one, sys::Descriptor(-1));
}

/// Programs are looked for in absolute folders outside of the repository alone: what is in it, a
/// task may have put there.
std::string safe_path(const std::array<std::string, 3>& distrusted) {
  const char* path = std::getenv("PATH");
  std::string safe;
  for (const auto part : std::views::split(std::string_view(path != nullptr ? path : ""), ':')) {
    const std::string_view folder(part.begin(), part.end());
    const auto has = [&](const std::string& top) {
      return !top.empty() && workspace::is_at_or_below(folder, top);
    };
    if (!folder.starts_with('/') || std::ranges::any_of(distrusted, has)) continue;
    safe.append(safe.empty() ? "" : ":").append(folder);
  }
  return safe.empty() ? "/usr/local/bin:/usr/bin:/bin" : safe;
}

/// posix_spawnp would go by the PATH of this process.
std::string program_in(const std::string& path) {
  for (const auto part : std::views::split(path, ':')) {
    std::string program = std::string(part.begin(), part.end()) + "/git";
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return "git";
}

std::vector<char*> pointers_to(std::vector<std::string>& lines) {
  std::vector<char*> pointers;
  pointers.reserve(lines.size() + 1);
  for (std::string& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(const std::string& program, std::vector<std::string> arguments,
                    std::vector<std::string> environment, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, in, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_adddup2(&actions, err, 2);
  // The dispatcher blocks signals it takes in by other means; git is not to inherit that.
  sigset_t none;
  sigset_t defaults;
  ::sigemptyset(&none);
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  // A group of its own: Ctrl-C in the terminal is for the dispatcher to act on.
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int why = ::posix_spawn(&pid, program.c_str(), &actions, &attributes,
                                pointers_to(arguments).data(), pointers_to(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (why == 0) return pid;
  return fail(Error::Kind::io, fmt::format("cannot run `git`: {}", std::strerror(why)),
              "install git, or choose another isolation");
}

/// What the kernel closes to a thread is closed to what that starts, and to nobody else here.
Result<pid_t> from_a_closed_thread(const std::string& folder, const std::vector<std::string>& kept,
                                   const std::function<Result<pid_t>()>& start) {
  Result<pid_t> pid = 0;
  std::thread([&] {
    const auto closed = shut_off(folder, kept);
    pid = closed ? start() : std::unexpected(closed.error());
  }).join();
  return pid;
}

/// Feeds and reads all streams at once, so that none can fill up and hold the others. False: it
/// took too long.
bool exchange(Pipe& in, Pipe& out, Pipe& err, std::string_view input, std::string& output,
              std::string& said) {
  std::array<char, 65536> chunk{};
  if (in.write) ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  bool out_open = static_cast<bool>(out.read);
  bool err_open = true;
  const auto until = steady_clock::now() + kPatience;
  const auto take = [&](const sys::Descriptor& from, std::string& to) {
    const ssize_t count = ::read(from.get(), chunk.data(), chunk.size());
    if (count > 0) to.append(chunk.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
  };
  while (out_open || err_open) {
    if (input.empty() && in.write) close_now(in.write);
    std::array<pollfd, 3> polled{{{in.write.get(), POLLOUT, 0},
                                  {out_open ? out.read.get() : -1, POLLIN, 0},
                                  {err_open ? err.read.get() : -1, POLLIN, 0}}};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    if (left <= 0) return false;
    const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    if (polled[0].revents != 0) {
      const ssize_t count = ::write(in.write.get(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN && errno != EINTR) input = {};
    }
    if (polled[1].revents != 0) out_open = take(out.read, output);
    if (polled[2].revents != 0) err_open = take(err.read, said);
  }
  return true;
}

/// The exit status; nothing when somebody else who waits for all children was faster.
std::optional<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Without a status, from what was said.
int status_of(std::optional<int> status, std::string_view said) {
  const bool complains = said.find("fatal: ") != std::string_view::npos ||
                         said.find("error: ") != std::string_view::npos;
  return status.value_or(complains ? 128 : 0);
}

/// What was fatal; its causes, which come first, leave out what it was about.
std::string first_line(std::string_view text) {
  for (const std::string_view mark : {"fatal: ", "error: "}) {
    for (const std::string_view line : split_lines(text)) {
      if (line.starts_with(mark)) return printable(line.substr(mark.size()));
    }
  }
  return printable(text.substr(0, text.find('\n')));
}

}  // namespace

std::vector<std::string> Git::arguments_with(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all{"git", "-C", folder_};
  const auto add = [&](std::string setting) {
    all.emplace_back("-c");
    all.push_back(std::move(setting));
  };
  for (const char* setting : kOwnSettings) add(setting);
  for (const std::string& setting : settings_) add(setting);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

std::string Git::path() const { return safe_path({folder_, closed_, distrusted_}); }

std::vector<std::string> Git::environment() const {
  std::vector<std::string> lines{"PATH=" + path()};
  for (const char* name : kPassedOn) {
    const char* value = std::getenv(name);
    const std::string start = std::string(name) + "=";
    const auto sets = [&](const std::string& one) { return one.starts_with(start); };
    if (value != nullptr && std::ranges::none_of(variables_, sets)) lines.push_back(start + value);
  }
  lines.insert(lines.end(), kOwnVariables.begin(), kOwnVariables.end());
  lines.insert(lines.end(), variables_.begin(), variables_.end());
  return lines;
}

std::unexpected<Error> Git::failed(const std::string& what, int status,
                                   std::string_view said) const {
  return fail(Error::Kind::io,
              fmt::format("`git {}` failed in `{}`: {}", what, printable(folder_),
                          said.empty() ? fmt::format("exit status {}", status) : first_line(said)));
}

Result<std::string> Git::run(const std::vector<std::string>& arguments,
                             std::string_view input) const {
  return go(arguments, input, -1, -1);
}

Result<std::string> Git::run_on(int from, const std::vector<std::string>& arguments) const {
  auto text = go(arguments, {}, from, -1);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

Result<void> Git::stream(const std::vector<std::string>& arguments, int from, int to) const {
  const auto done = go(arguments, {}, from, to);
  return done ? Result<void>() : std::unexpected(done.error());
}

Result<std::string> Git::go(const std::vector<std::string>& arguments, std::string_view input,
                            int from, int to) const {
  Pipe in;
  Pipe out;
  Pipe err;
  if ((from < 0 && !in.open()) || (to < 0 && !out.open()) || !err.open())
    return fail(Error::Kind::io, fmt::format("cannot run `git`: {}", std::strerror(errno)));
  const auto start = [&] {
    return spawn(program_in(path()), arguments_with(arguments), environment(),
                 from < 0 ? in.read.get() : from, to < 0 ? out.write.get() : to, err.write.get());
  };
  const std::shared_lock awaited(sys::awaited_children());
  const auto pid = closed_.empty() ? start() : from_a_closed_thread(closed_, kept_, start);
  if (!pid) return std::unexpected(pid.error());
  for (sys::Descriptor* one : {&out.write, &err.write, &in.read}) close_now(*one);
  std::string output;
  std::string said;
  const bool ended = exchange(in, out, err, input, output, said);
  if (!ended) ::kill(-*pid, SIGKILL);
  const int status = status_of(wait_for(*pid), said);
  if (!ended) return failed(arguments.front(), status, "it took longer than ten minutes");
  if (status != 0) return failed(arguments.front(), status, said);
  return output;
}

Result<std::string> Git::line(const std::vector<std::string>& arguments,
                              std::string_view input) const {
  auto text = run(arguments, input);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('\0'));
    parts.emplace_back(part);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return parts;
}

}  // namespace interlock::snapshots
