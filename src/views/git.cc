#include "views/git.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "workspace/beneath.h"
#include "workspace/descriptor.h"

extern char** environ;

namespace interlock::views {
namespace {

using workspace::Descriptor;

struct Pipe {
  Descriptor read{-1}, write{-1};

  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    return true;
  }
};

std::vector<std::string> environment_with(const std::string& index) {
  std::vector<std::string> lines;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view line = *one;
    if (!line.starts_with("GIT_") && !line.starts_with("LC_ALL=")) lines.emplace_back(line);
  }
  lines.emplace_back("LC_ALL=C");
  lines.emplace_back("GIT_TERMINAL_PROMPT=0");
  lines.emplace_back("GIT_OPTIONAL_LOCKS=0");
  if (!index.empty()) lines.push_back("GIT_INDEX_FILE=" + index);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& lines) {
  std::vector<char*> pointers;
  pointers.reserve(lines.size() + 1);
  for (std::string& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(std::vector<std::string> arguments, const std::string& index, const Pipe& in,
                    const Pipe& out, const Pipe& err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, in.read.number(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.write.number(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.write.number(), 2);
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
  std::vector<std::string> environment = environment_with(index);
  pid_t pid = 0;
  const int why = ::posix_spawnp(&pid, "git", &actions, &attributes, pointers_to(arguments).data(),
                                 pointers_to(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (why == 0) return pid;
  return fail(Error::Kind::io, fmt::format("cannot run `git`: {}", std::strerror(why)),
              "install git, or choose another isolation");
}

/// Feeds and reads all three streams at once, so that none can fill up and hold the others.
void exchange(Pipe& in, Pipe& out, Pipe& err, std::string_view input, std::string& output,
              std::string& said) {
  std::array<char, 65536> chunk{};
  ::fcntl(in.write.number(), F_SETFL, O_NONBLOCK);
  bool out_open = true;
  bool err_open = true;
  const auto take = [&](const Descriptor& from, std::string& to) {
    const ssize_t count = ::read(from.number(), chunk.data(), chunk.size());
    if (count > 0) to.append(chunk.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
  };
  while (out_open || err_open) {
    if (input.empty() && in.write.is_open()) {
      const Descriptor closing = std::exchange(in.write, Descriptor(-1));
    }
    std::array<pollfd, 3> polled{{{in.write.number(), POLLOUT, 0},
                                  {out_open ? out.read.number() : -1, POLLIN, 0},
                                  {err_open ? err.read.number() : -1, POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) {
      const ssize_t count = ::write(in.write.number(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN && errno != EINTR) input = {};
    }
    if (polled[1].revents != 0) out_open = take(out.read, output);
    if (polled[2].revents != 0) err_open = take(err.read, said);
  }
}

/// The exit status; nothing when somebody else who waits for all children was faster.
std::optional<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string first_line(std::string_view text) {
  for (const std::string_view line : split_lines(text)) {
    for (const std::string_view mark : {"fatal: ", "error: "}) {
      if (line.starts_with(mark)) return printable(line.substr(mark.size()));
    }
  }
  return printable(text.substr(0, text.find('\n')));
}

}  // namespace

Result<std::string> Git::run(const std::vector<std::string>& arguments,
                             std::string_view input) const {
  std::vector<std::string> all{"git", "-C", folder_};
  for (const char* setting :
       {"core.hooksPath=/dev/null", "commit.gpgSign=false", "gc.auto=0", "maintenance.auto=false",
        "core.fsmonitor=false", "advice.addEmbeddedRepo=false", "core.safecrlf=false"}) {
    all.emplace_back("-c");
    all.emplace_back(setting);
  }
  all.insert(all.end(), arguments.begin(), arguments.end());
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.open() || !out.open() || !err.open())
    return fail(Error::Kind::io, fmt::format("cannot run `git`: {}", std::strerror(errno)));
  const auto pid = spawn(std::move(all), index_, in, out, err);
  if (!pid) return std::unexpected(pid.error());
  for (Pipe* one : {&out, &err}) {
    const Descriptor closing = std::exchange(one->write, Descriptor(-1));
  }
  { const Descriptor closing = std::exchange(in.read, Descriptor(-1)); }
  std::string output;
  std::string said;
  exchange(in, out, err, input, output, said);
  const auto status = wait_for(*pid);
  const bool failed = status ? *status != 0
                             : said.find("fatal: ") != std::string::npos ||
                                   said.find("error: ") != std::string::npos;
  if (!failed) return output;
  return fail(Error::Kind::io,
              fmt::format("`git {}` failed in `{}`: {}", arguments.front(), printable(folder_),
                          said.empty() ? fmt::format("exit status {}", status.value_or(-1))
                                       : first_line(said)));
}

Result<std::string> Git::line(const std::vector<std::string>& arguments,
                              std::string_view input) const {
  auto text = run(arguments, input);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

void Git::tidy_up(const std::vector<std::string>& arguments) const {
  const auto ignored = run(arguments);
}

std::string repository_top(const std::string& root) {
  for (std::string at = root; !at.empty(); at = workspace::folder_of(at)) {
    if (::access((at + "/.git").c_str(), F_OK) == 0) return at;
  }
  return {};
}

}  // namespace interlock::views
