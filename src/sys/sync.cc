#include "sys/sync.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "sys/asked_to_end.h"
#include "sys/descriptor.h"

namespace interlock::sys {

namespace {

constexpr int kMillisecondsBetweenLooks = 20;
/// What a disk writes sooner than a process is made for it.
constexpr off_t kSyncedHereMax = 8 << 20;

int sync_one(const std::string& place) {
  constexpr int kFlags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  int one = ::open(place.c_str(), O_RDONLY | kFlags);
  if (one < 0) one = ::open(place.c_str(), O_WRONLY | kFlags);
  if (one < 0) return errno;
  const int done = ::fsync(one) == 0 ? 0 : errno;
  ::close(one);
  return done;
}

/// Locks hang on open descriptors, and the child may outlive this process.
void keep_only(int kept) {
  if (kept > 0) ::close_range(0, static_cast<unsigned>(kept - 1), 0);
  ::close_range(static_cast<unsigned>(kept + 1), std::numeric_limits<unsigned>::max(), 0);
}

/// `call` gives an error number or 0, and makes system calls, no more: it runs between fork and
/// exit of a process with threads. `kept`: the one descriptor it needs; -1: none.
template <typename Call>
int call_in_child(int kept, const Call& call) {
  const pid_t child = ::fork();
  if (child < 0) return call();  // No processes left: then it is waited for.
  if (child == 0) {
    keep_only(kept);
    ::_exit(call());
  }
  // Not by waitpid alone: it would not come back for a signal that is blocked.
  const Descriptor watched(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  while (watched) {
    pollfd over{watched.get(), POLLIN, 0};
    if (::poll(&over, 1, kMillisecondsBetweenLooks) > 0) break;
    if (is_asked_to_end()) return EINTR;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

}  // namespace

int sync_file_system(int folder) {
  return call_in_child(folder, [folder] { return ::syncfs(folder) == 0 ? 0 : errno; });
}

int sync_files(const std::vector<std::string>& places) {
  off_t bytes = 0;
  for (const std::string& place : places) {
    struct stat status{};
    if (::lstat(place.c_str(), &status) == 0) bytes += status.st_size;
  }
  const auto sync_all = [&places] {
    for (const std::string& place : places) {
      if (const int failed = sync_one(place); failed != 0) return failed;
    }
    return 0;
  };
  return bytes <= kSyncedHereMax ? sync_all() : call_in_child(-1, sync_all);
}

}  // namespace interlock::sys
