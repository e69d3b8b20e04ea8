#include "process/descriptor_reserve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace interlock::process {

/// Descriptors come smallest first, so the next one tells how many are taken.
Result<void> descriptors_are_left() {
  constexpr rlim_t kLeftAtLeast = 24;
  rlimit limit{};
  const int next = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  if (next >= 0) ::close(next);
  const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  const bool is_short = next < 0
                            ? errno == EMFILE
                            : known && static_cast<rlim_t>(next) + kLeftAtLeast > limit.rlim_cur;
  if (!is_short) return {};
  return fail(Error::Kind::io,
              fmt::format("cannot start one more beside what runs: {}", std::strerror(EMFILE)),
              "raise the hard limit of open files (`ulimit -Hn`), or lower `limits.parallel`");
}

}  // namespace interlock::process
