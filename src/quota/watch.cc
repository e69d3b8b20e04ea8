#include "quota/watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace interlock::quota {
namespace {

bool add(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Result<Watch> Watch::open(const std::string& wake_file) {
  Watch watch;
  watch.epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  watch.inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  const bool watches = watch.epoll_ >= 0 && watch.inotify_ >= 0 &&
                       ::inotify_add_watch(watch.inotify_, wake_file.c_str(), IN_MODIFY) >= 0 &&
                       add(watch.epoll_, watch.inotify_);
  if (watches) return watch;
  return fail(Error::Kind::io,
              fmt::format("cannot watch `{}`: {}", wake_file, std::strerror(errno)),
              "the limits are `fs.inotify.max_user_instances` and `max_user_watches`");
}

Watch::Watch(Watch&& other) noexcept
    : epoll_(std::exchange(other.epoll_, -1)),
      inotify_(std::exchange(other.inotify_, -1)),
      watched_(std::exchange(other.watched_, {})) {}

Watch::~Watch() {
  for (const auto& [owner, pidfd] : watched_) ::close(pidfd);
  if (inotify_ >= 0) ::close(inotify_);
  if (epoll_ >= 0) ::close(epoll_);
}

void Watch::take() {
  std::array<char, 4096> buffer{};
  while (::read(inotify_, buffer.data(), buffer.size()) > 0) {
  }
  std::erase_if(watched_, [&](const auto& entry) {
    if (!has_ended(entry.second)) return false;
    ::close(entry.second);  // leaves the epoll set by that
    return true;
  });
}

bool Watch::has_ended(int pidfd) const {
  pollfd one{pidfd, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

bool Watch::is_living(Owner owner) {
  if (const auto found = watched_.find(owner); found != watched_.end())
    return !has_ended(found->second);
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_of(owner), 0));
  // Only now: from here on the descriptor is of that very process, or of another that has its pid.
  if (!is_alive(owner)) {
    if (pidfd >= 0) ::close(pidfd);
    return false;
  }
  if (pidfd < 0) return true;
  if (add(epoll_, pidfd)) {
    watched_[owner] = pidfd;
  } else {
    ::close(pidfd);
  }
  return true;
}

}  // namespace interlock::quota
