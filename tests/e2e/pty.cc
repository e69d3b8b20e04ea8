#include "e2e/pty.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace interlock::e2e {

namespace {
constexpr int kPatienceMs = 120'000;
}

Pty::Pty(const std::vector<std::string>& arguments, const std::string& folder,
         std::map<std::string, std::string> environment, unsigned short columns,
         unsigned short rows) {
  environment.try_emplace("TERM", "xterm-256color");
  std::vector<char*> argv, envp;
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  for (const std::string& one : variables) envp.push_back(const_cast<char*>(one.c_str()));
  envp.push_back(nullptr);
  winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    ::signal(SIGINT, SIG_DFL);
    if (::chdir(folder.c_str()) == 0) ::execve(argv.front(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
}

Pty::~Pty() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  hang_up();
}

bool Pty::read_more() {
  pollfd one{fd_, POLLIN, 0};
  if (fd_ < 0 || ::poll(&one, 1, kPatienceMs) <= 0) return false;
  std::array<char, 65536> block;
  const ssize_t count = ::read(fd_, block.data(), block.size());
  if (count > 0) shown_.append(block.data(), static_cast<std::size_t>(count));
  return count > 0;
}

void Pty::until_it_shows(const std::string& text) {
  for (;;) {
    if (const auto at = shown_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return;
    }
    if (read_more()) continue;
    ADD_FAILURE() << "it never showed `" << text << "` but:\n" << shown_.substr(seen_);
    return;
  }
}

void Pty::press(const std::string& keys) const {
  EXPECT_EQ(::write(fd_, keys.data(), keys.size()), std::ssize(keys));
}

bool Pty::is_usual() const {
  termios modes{};
  return ::tcgetattr(fd_, &modes) == 0 && (modes.c_lflag & ICANON) != 0 &&
         (modes.c_lflag & ECHO) != 0;
}

void Pty::until_usual() const {
  for (int waited = 0; !is_usual() && waited < kPatienceMs; waited += 20) ::poll(nullptr, 0, 20);
  EXPECT_TRUE(is_usual());
}

void Pty::hang_up() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

int Pty::wait() {
  while (read_more()) {
  }
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace interlock::e2e
