#include "process/observer.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "process/call_filter.h"
#include "process/caller.h"
#include "process/refused_calls.h"

namespace interlock::process {
namespace {

constexpr std::uint64_t kStopId = 0;
/// Newer than the headers of some hosts (Linux 6.6): whoever is woken runs on the same processor.
constexpr unsigned long kSetListenerFlags = _IOW('!', 4, std::uint64_t);
constexpr std::uint64_t kWakeInStep = 1;

std::string why_not_notified(int error) {
  switch (error) {
    case EBUSY: return "another program already watches what this one starts";
    case ENOSYS:
    case EINVAL:
    case EOPNOTSUPP: return "this kernel cannot tell of a program's calls";
    default: return fmt::format("its calls cannot be watched: {}", std::strerror(error));
  }
}

void count_up(const sys::Descriptor& counter) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(counter.get(), &one, sizeof one);
}

std::unexpected<Error> cannot_start(std::string_view what) {
  return fail(Error::Kind::io,
              fmt::format("cannot watch what attempts do: {}: {}", what, std::strerror(errno)),
              errno == EMFILE ? "raise the hard limit of open files (`ulimit -Hn`)" : "");
}

/// The child goes on with 0, and ends with any error number.
void answer_hand_over(int socket, int error) {
  [[maybe_unused]] const ssize_t sent = ::send(socket, &error, sizeof error, MSG_NOSIGNAL);
}

}  // namespace

ChildEnd::ChildEnd(sys::Descriptor socket, engine::Sandbox::Watch watch, bool confined)
    : socket_(std::move(socket)),
      filter_(call_filter(watch, confined)),
      unreported_(call_filter(engine::Sandbox::Watch::nothing, confined)) {
  hand_over_.filter = {static_cast<unsigned short>(filter_.size()), filter_.data()};
  hand_over_.unnotified = {static_cast<unsigned short>(unreported_.size()), unreported_.data()};
  hand_over_.socket = socket_.get();
  hand_over_.message = &message_.message();
  hand_over_.listener = message_.number();
}

struct Observer::Watched {
  Watched(std::uint64_t number, const engine::Sandbox& sandbox) : id(number), record(sandbox) {}

  std::uint64_t id;
  sys::Descriptor socket;  ///< Where the listener comes from.
  sys::Descriptor listener;
  std::string root;  ///< Its root folder, by /proc (`Caller::root_of`); empty: not yet known.
  Record record;
  bool over = false;
};

Result<std::unique_ptr<Observer>> Observer::start(std::function<void()> before_answer) {
  std::unique_ptr<Observer> observer(new Observer);
  observer->before_answer_ = std::move(before_answer);
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
    sizes = {sizeof(seccomp_notif), sizeof(seccomp_notif_resp), sizeof(seccomp_data)};
  }
  observer->call_.resize(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
  observer->reply_.resize(
      std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
  observer->epoll_ = sys::Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  observer->stop_ = sys::Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  observer->endings_ = sys::Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!observer->epoll_ || !observer->stop_ || !observer->endings_) {
    return cannot_start("no descriptors");
  }
  if (!observer->wait_for(observer->stop_, kStopId)) return cannot_start("epoll");
  // Signals are for the thread that opened us.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  observer->thread_ = std::thread([&self = *observer] { self.serve(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return observer;
}

Observer::~Observer() {
  if (!thread_.joinable()) return;
  count_up(stop_);
  thread_.join();
}

Result<std::unique_ptr<ChildEnd>> Observer::expect(engine::AttemptName name,
                                                   const engine::Sandbox& sandbox) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return cannot_start("no socket");
  }
  sys::Descriptor childs(ends[1]);
  const std::lock_guard lock(mutex_);
  auto watched = std::make_shared<Watched>(++last_id_, sandbox);
  watched->socket = sys::Descriptor(ends[0]);
  if (!wait_for(watched->socket, watched->id)) return cannot_start("epoll");
  by_id_[watched->id] = watched;
  watched_[name] = std::move(watched);
  const auto least =
      sandbox.held_to ? engine::Sandbox::Watch::opens : engine::Sandbox::Watch::changes;
  return std::make_unique<ChildEnd>(std::move(childs), std::max(sandbox.watch, least),
                                    sandbox.confined);
}

// Descriptors are closed by the thread alone, which may be using them: it notices that the child's
// end, or the child, is gone.

void Observer::doubt(engine::AttemptName name, const std::string& why) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  if (found == watched_.end()) return;
  Record::Verdict doubted;
  doubted.gap = why;
  found->second->record.note(std::move(doubted));
}

void Observer::forget(engine::AttemptName name) {
  const std::lock_guard lock(mutex_);
  watched_.erase(name);
}

void Observer::give_up(engine::AttemptName name, int error) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  if (found != watched_.end()) found->second->record.note_unwatched(why_not_notified(error));
}

engine::Observed Observer::observed(engine::AttemptName name) const {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  if (found == watched_.end()) return {.gap = "it was not watched"};
  return found->second->record.so_far(found->second->over);
}

bool Observer::is_over(engine::AttemptName name) const {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  return found == watched_.end() || found->second->over;
}

bool Observer::is_broken(engine::AttemptName name) const {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  return found != watched_.end() && found->second->record.is_broken();
}

bool Observer::wait_for(const sys::Descriptor& descriptor, std::uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) == 0;
}

/// Before it is closed: while a child still holds a copy, epoll would go on reporting it.
void Observer::stop_waiting(sys::Descriptor& descriptor) {
  if (!descriptor) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor.get(), nullptr);
  descriptor.reset();
}

/// With the mutex held.
void Observer::end(Watched& watched) {
  stop_waiting(watched.socket);
  stop_waiting(watched.listener);
  watched.over = true;
  by_id_.erase(watched.id);
  count_up(endings_);
}

std::shared_ptr<Observer::Watched> Observer::watched_by(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Observer::serve() {
  std::array<epoll_event, 32> events;
  for (;;) {
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.u64 == kStopId) return;
      attend(events[i].data.u64, events[i].events);
    }
  }
}

void Observer::attend(std::uint64_t id, std::uint32_t ready) {
  const auto watched = watched_by(id);
  if (!watched) return;
  // Whatever an attempt does ends at most that attempt.
  try {
    serve_one(*watched, ready);
  } catch (const std::exception& error) {
    break_off(*watched, error.what());
    const std::lock_guard lock(mutex_);
    if (!watched->over) end(*watched);
  }
}

void Observer::serve_one(Watched& watched, std::uint32_t ready) {
  if (!watched.listener) {
    take_listener(watched);
  } else if ((ready & EPOLLIN) != 0) {
    answer_call(watched);
  } else if ((ready & (EPOLLHUP | EPOLLERR)) != 0) {
    const std::lock_guard lock(mutex_);
    end(watched);
  }
}

void Observer::break_off(Watched& watched, const std::string& why) {
  const std::lock_guard lock(mutex_);
  watched.record.note_broken(why);
  count_up(endings_);
}

void Observer::take_listener(Watched& watched) {
  ReceivedDescriptor handed = receive_descriptor(watched.socket.get());
  const std::lock_guard lock(mutex_);
  if (watched.over) return;
  if (handed.descriptor) {
    ::ioctl(handed.descriptor.get(), kSetListenerFlags, kWakeInStep);  // It can do without.
    watched.listener = std::move(handed.descriptor);
    if (!wait_for(watched.listener, watched.id)) handed.error = errno;
  }
  if (handed.is_there) answer_hand_over(watched.socket.get(), handed.error);
  stop_waiting(watched.socket);
  if (watched.listener && handed.error == 0) return;
  watched.record.note_unwatched("its calls were never told");
  end(watched);
}

/// Whatever goes wrong in it goes wrong with this one attempt.
Record::Verdict Observer::judge(Watched& watched, const seccomp_notif& notified) {
  if (auto refusal = refusal_of(notified)) {
    Record::Verdict refused;
    refused.error = EPERM;
    refused.denied.insert({.path = std::move(*refusal), .is_act = true});
    return refused;
  }
  const auto process = static_cast<pid_t>(notified.pid);
  if (watched.root.empty()) watched.root = Caller::root_of(process).value_or("");
  if (process == 0 || watched.root.empty()) {
    Record::Verdict unknown;
    unknown.gap = fmt::format("process {} is out of sight", process);
    return unknown;
  }
  if (before_answer_) before_answer_();
  const Caller caller(process, watched.root);
  if (auto behind = changed_by_descriptor(notified, caller))
    return watched.record.judge(caller, change_behind_descriptor(std::move(*behind)));
  const auto call = understand(notified, caller);
  return call ? watched.record.judge(caller, *call) : Record::Verdict{};
}

void Observer::answer_call(Watched& watched) {
  std::ranges::fill(call_, '\0');
  std::ranges::fill(reply_, '\0');
  auto& notified = *reinterpret_cast<seccomp_notif*>(call_.data());
  auto& reply = *reinterpret_cast<seccomp_notif_resp*>(reply_.data());
  const int listener = watched.listener.get();
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notified) != 0) return;
  Record::Verdict verdict;
  try {
    verdict = judge(watched, notified);
  } catch (const std::exception& error) {
    break_off(watched, error.what());
    verdict.error = EIO;
  }
  // Had it died meanwhile, what we read may have been another's.
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notified.id) != 0) return;
  reply.id = notified.id;
  reply.error = -verdict.error;
  if (reply.error == 0) reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  {
    const std::lock_guard lock(mutex_);
    watched.record.note(std::move(verdict));
  }
  ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

}  // namespace interlock::process
