#include "process/break_mark.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace interlock::process {
namespace {

constexpr std::array kSignals = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// A handler is given nothing but what is there for all of the process.
std::atomic<int> marked{-1};
std::array<struct sigaction, kSignals.size()> before;

/// The act is gone on with as if nobody had looked: a wild access is repeated, and what was sent,
/// by abort or by others, is sent again.
void leave_word(int signal, siginfo_t* about, void*) {
  const int kept = errno;
  const ssize_t written = ::write(marked.load(), "broke off\n", 10);
  static_cast<void>(written);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) ::sigaction(signal, &before[i], nullptr);
  }
  errno = kept;
  if (about->si_code <= 0) ::raise(signal);  // signal(7): from a process, not from the kernel.
}

}  // namespace

Result<BreakMark> BreakMark::arm(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail(Error::Kind::io, fmt::format("cannot write `{}`: {}", file, std::strerror(errno)));
  }
  marked = fd;
  struct sigaction act{};
  act.sa_sigaction = leave_word;
  act.sa_flags = SA_NODEFER | SA_ONSTACK | SA_SIGINFO;
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &act, &before[i]);
  return BreakMark(fd);
}

BreakMark::BreakMark(BreakMark&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

BreakMark::~BreakMark() {
  if (fd_ < 0) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
  marked = -1;
  ::close(fd_);
}

bool BreakMark::take(const std::string& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0 || about.st_size == 0) return false;
  ::unlink(file.c_str());
  return true;
}

}  // namespace interlock::process
