#include "web/child_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace interlock::web {
namespace {

/// Standard input and error come to nothing; signals are as a shell gives them.
class SpawnSettings {
 public:
  explicit SpawnSettings(int out) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::sigaddset(&usual, signal);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

}  // namespace

Result<std::unique_ptr<ChildCommand>> ChildCommand::start(sys::Loop& loop,
                                                          const std::vector<std::string>& arguments,
                                                          OnEnded on_ended,
                                                          std::chrono::seconds longest) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(Error::Kind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  sys::Descriptor out(ends[0]);
  const sys::Descriptor out_end(ends[1]);
  ::fcntl(out.get(), F_SETFL, O_NONBLOCK);
  std::vector<std::string> words{"interlock"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const SpawnSettings settings(out_end.get());
  pid_t process = -1;
  const int trouble = ::posix_spawn(&process, "/proc/self/exe", &settings.actions,
                                    &settings.attributes, pointers.data(), environ);
  if (trouble != 0)
    return fail(Error::Kind::io, fmt::format("cannot start a command: {}", std::strerror(trouble)));
  return std::unique_ptr<ChildCommand>(
      new ChildCommand(loop, process, std::move(out), std::move(on_ended), longest));
}

ChildCommand::ChildCommand(sys::Loop& loop, pid_t process, sys::Descriptor out, OnEnded on_ended,
                           std::chrono::seconds longest)
    : process_(process), out_(std::move(out)), on_ended_(std::move(on_ended)) {
  watch_ = loop.watching(out_.get(), EPOLLIN, [this] { read_some(); });
  deadline_ = loop.after(longest, [this] { ::kill(process_, SIGKILL); });
}

ChildCommand::~ChildCommand() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildCommand::read_some() {
  std::array<char, 65536> piece{};
  const ssize_t got = ::read(out_.get(), piece.data(), piece.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) {
    ended_.out.append(piece.data(), static_cast<std::size_t>(got));
    if (ended_.out.size() <= kMost) return;
    ended_.out.resize(kMost);
    ended_.is_cut = true;
    ::kill(process_, SIGKILL);
  }
  end();
}

void ChildCommand::end() {
  watch_.reset();
  deadline_.reset();
  int status = 0;
  const pid_t process = std::exchange(process_, -1);
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : ended_.is_cut ? 0 : -1;
  const OnEnded on_ended = std::move(on_ended_);
  on_ended(std::move(ended_));
}

}  // namespace interlock::web
