#include "cli/notifier.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "cli/otlp_post.h"

namespace interlock::cli {
namespace {

constexpr std::string_view kCommand = "command:";
constexpr int kPatienceMs = 30'000;

bool is_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    if (::access(fmt::format("{}/{}", folder, name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<void> check(const std::string& target) {
  if (target == "terminal") return {};
  if (is_url(target)) return check_url(target);
  if (target.starts_with(kCommand) && target.size() > kCommand.size()) return {};
  if (target == "desktop") {
    if (is_program("notify-send")) return {};
    return fail(Error::Kind::missing, "there is no `notify-send` to reach the desktop with",
                "install libnotify-bin, or name another target");
  }
  return fail(Error::Kind::invalid, fmt::format("`{}` is nothing to notify", printable(target)),
              "`terminal`, `desktop`, `command:CMD` or an http(s) URL");
}

/// Runs a program with a text on its standard input, and ends it after a while.
void run(const std::vector<std::string>& arguments, const std::string& input) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  sys::Descriptor reader(ends[0]);
  sys::Descriptor writer(ends[1]);
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, reader.get(), STDIN_FILENO);
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, words.front(), &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return;
  // A notice is smaller than a pipe.
  [[maybe_unused]] const ssize_t written = ::write(writer.get(), input.data(), input.size());
  writer.reset();
  for (int waited = 0; waited < kPatienceMs; waited += 50) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) return;
    ::poll(nullptr, 0, 50);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

/// Bell, and the sequence by which terminals show a notice (OSC 9).
void show_on_terminal(const std::string& text) {
  const sys::Descriptor terminal(::open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC));
  if (!terminal) return;
  const std::string shown = fmt::format("\a\x1b]9;{}\x1b\\", printable(text));
  [[maybe_unused]] const ssize_t written = ::write(terminal.get(), shown.data(), shown.size());
}

void deliver(const std::string& target, const json::object& notice) {
  const std::string text(notice.at("text").as_string());
  const std::string body = canonical_json(notice);
  if (target == "terminal") return show_on_terminal(text);
  if (target == "desktop") return run({"notify-send", "-a", "interlock", "Interlock", text}, {});
  if (target.starts_with(kCommand))
    return run({"sh", "-c", target.substr(kCommand.size())}, body + "\n");
  if (const auto sent = post_json(target, body); !sent) {
    // There is nobody else to tell.
    const std::string line = fmt::format("warning: {}\n", sent.error().message);
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

/// Whoever waits for the end of our output, or for word that a run has begun, does not wait for
/// this process.
void leave_what_is_open(int kept) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  if (kept > 3) ::close_range(3, static_cast<unsigned>(kept - 1), 0);
  ::close_range(static_cast<unsigned>(kept + 1), ~0U, 0);
}

/// In the process of its own, until nobody can write into the pipe any more.
void serve(const sys::Descriptor& pipe, const std::vector<std::string>& targets) {
  std::string text;
  std::array<char, 4096> piece{};
  json::object last;
  bool is_over = false;
  for (;;) {
    const ssize_t got = ::read(pipe.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      const auto notice = parse_json(text.substr(0, end));
      text.erase(0, end + 1);
      if (!notice || !notice->is_object()) continue;
      last = notice->get_object();
      is_over = last.at("kind") == "over";
      const bool is_silent = is_over || last.at("kind") == "begun";
      for (const std::string& target : targets) {
        if (!is_silent) deliver(target, last);
      }
    }
  }
  if (is_over || last.empty()) return;
  const std::string run_id(last.at("run").as_string());
  last["kind"] = "died";
  last["task"] = "";
  last["text"] =
      fmt::format("the dispatcher of run {} is gone: interlock resume {}", run_id, run_id);
  for (const std::string& target : targets) deliver(target, last);
}

}  // namespace

Result<std::unique_ptr<Notifier>> Notifier::start(const std::vector<std::string>& targets) {
  if (targets.empty()) return nullptr;
  for (const std::string& target : targets) {
    if (auto can = check(target); !can) return std::unexpected(can.error());
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(Error::Kind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  const sys::Descriptor reader(ends[0]);
  sys::Descriptor writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0)
    return fail(Error::Kind::io, fmt::format("cannot start a process: {}", std::strerror(errno)));
  if (child == 0) {
    writer.reset();
    leave_what_is_open(reader.get());
    // A Ctrl-C is for the run: what comes of it is still to be told.
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    serve(reader, targets);
    ::_exit(0);
  }
  ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Notifier>(new Notifier(std::move(writer)));
}

void Notifier::notify(const std::string& kind, const std::string& run, const std::string& plan,
                      const std::string& task, const std::string& text) {
  send({{"version", 1},
        {"kind", kind},
        {"run", run},
        {"plan", plan},
        {"task", task},
        {"text", text}});
}

void Notifier::done() { send({{"version", 1}, {"kind", "over"}, {"text", ""}}); }

void Notifier::send(const json::object& notice) {
  const std::string line = canonical_json(notice) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), line.data(), line.size());
}

}  // namespace interlock::cli
