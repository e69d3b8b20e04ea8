#include "process/ask.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/text.h"
#include "process/fd.h"

extern char** environ;

namespace interlock::process {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kAnswerMax = 64u << 10;

std::unexpected<Error> cannot(const std::string& program, const std::string& why) {
  return fail(Error::Kind::invalid, fmt::format("cannot ask `{}`: {}", printable(program), why));
}

/// Reads to the end, not beyond `until`; nothing when that came first.
std::optional<std::string> read_all(int from, steady_clock::time_point until) {
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    pollfd ready{from, POLLIN, 0};
    if (left <= 0) return std::nullopt;
    const int events = ::poll(&ready, 1, static_cast<int>(left));
    if (events < 0 && errno == EINTR) continue;
    if (events <= 0) return std::nullopt;
    const ssize_t got = ::read(from, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || text.size() > kAnswerMax) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn_with_output(const std::vector<std::string>& arguments, char* const* environment,
                                int output) {
  const std::vector<char*> pointers = pointers_to(arguments);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = -1;
  const int error =
      ::posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return cannot(arguments[0], std::strerror(error));
  return child;
}

}  // namespace

Result<std::string> ask_program(const std::vector<std::string>& arguments, Duration patience,
                                const std::map<std::string, std::string>* environment) {
  std::vector<std::string> entries;
  if (environment != nullptr) {
    for (const auto& [name, value] : *environment) entries.push_back(name + "=" + value);
  }
  const std::vector<char*> given = pointers_to(entries);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot(arguments[0], std::strerror(errno));
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const auto child =
      spawn_with_output(arguments, environment != nullptr ? given.data() : environ, writer.get());
  if (!child) return std::unexpected(child.error());
  writer.reset();
  auto text = read_all(reader.get(), steady_clock::now() + patience);
  if (!text) ::kill(*child, SIGKILL);
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text)
    return cannot(arguments[0], fmt::format("no answer within {}", show_duration(patience)));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return cannot(arguments[0], "it failed; run it by hand to see why");
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return cannot(arguments[0], "it said nothing");
  return std::move(*text);
}

}  // namespace interlock::process
