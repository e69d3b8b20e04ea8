#include "sys/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"

namespace interlock::sys {
namespace {

/// At most so many are handled in a round, so that a descriptor that is always ready cannot hold up
/// the timers.
constexpr std::size_t kEventsARound = 64;
/// The longest wait that epoll is asked for.
constexpr Loop::Moment kLongestWait = std::chrono::hours(1);

std::uint64_t packed(std::uint64_t id, int descriptor) {
  return id << 32U | static_cast<std::uint32_t>(descriptor);
}

Loop::Moment time_on(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Loop::Moment Loop::now() { return time_on(CLOCK_BOOTTIME); }
Loop::Moment Loop::time() const { return time_on(clock_); }

Loop::Loop(clockid_t clock)
    : clock_(clock),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      poked_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(epoll_ && poked_, "epoll and eventfd are to be had");
  watch(poked_.get(), EPOLLIN, [this](std::uint32_t) { call_posted(); });
}

void Loop::watch(int descriptor, std::uint32_t events, Ready ready) {
  const std::uint64_t id = ++last_id_ & 0xffffffffU;
  epoll_event event{.events = events, .data = {.u64 = packed(id, descriptor)}};
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0,
        "a descriptor can be watched once");
  watched_[descriptor] = {id, std::move(ready)};
}

void Loop::change(int descriptor, std::uint32_t events) {
  const auto found = watched_.find(descriptor);
  check(found != watched_.end(), "what is changed is watched");
  epoll_event event{.events = events, .data = {.u64 = packed(found->second.id, descriptor)}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event);
}

void Loop::forget(int descriptor) {
  if (watched_.erase(descriptor) == 0) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

Loop::Watch Loop::watching(int descriptor, std::uint32_t events, std::function<void()> callback) {
  watch(descriptor, events, [call = std::move(callback)](std::uint32_t) { call(); });
  return {this, descriptor};
}

Loop::Watch Loop::on_signals(std::span<const int> signals, std::function<void(int)> callback) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  auto source = std::make_shared<Descriptor>(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  check(static_cast<bool>(*source), "signals can be read");
  return watching(source->get(), EPOLLIN, [source, call = std::move(callback)] {
    signalfd_siginfo info{};
    while (::read(source->get(), &info, sizeof info) == sizeof info)
      call(static_cast<int>(info.ssi_signo));
  });
}

Loop::Timer Loop::at(Moment moment, std::function<void()> callback) {
  const std::uint64_t id = ++last_id_;
  timers_.emplace(moment, id);
  callbacks_.emplace(id, std::move(callback));
  return {this, moment, id};
}

void Loop::forget_timer(Moment at, std::uint64_t id) {
  timers_.erase({at, id});
  callbacks_.erase(id);
}

void Loop::post(std::function<void()> callback) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(callback));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(poked_.get(), &one, sizeof one);
}

void Loop::call_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(poked_.get(), &count, sizeof count);
  std::vector<std::function<void()>> posted;
  {
    const std::scoped_lock lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& callback : posted) callback();
}

int Loop::wait_ms(Moment most) const {
  if (!idle_.empty()) return 0;
  Moment left = most;
  if (!timers_.empty()) left = std::min(left, timers_.begin()->first - time());
  if (left <= Moment::zero()) return 0;
  // Rounded up: to come too early is to come twice.
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void Loop::call_due() {
  if (timers_.empty()) return;
  const Moment moment = time();
  while (!timers_.empty() && timers_.begin()->first <= moment) {
    const std::uint64_t id = timers_.begin()->second;
    timers_.erase(timers_.begin());
    const auto node = callbacks_.extract(id);
    if (node) node.mapped()();
  }
}

void Loop::call_idle() {
  while (!idle_.empty()) {
    std::vector<std::function<void()>> now_idle;
    now_idle.swap(idle_);
    for (const auto& callback : now_idle) callback();
  }
}

void Loop::run() {
  while (!stopped_) run_once(kLongestWait);
}

void Loop::run_once(Moment most) {
  std::array<epoll_event, kEventsARound> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsARound,
                                 wait_ms(std::clamp(most, Moment::zero(), kLongestWait)));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events.at(static_cast<std::size_t>(i));
    const int descriptor = static_cast<int>(event.data.u64 & 0xffffffffU);
    const auto found = watched_.find(descriptor);
    if (found == watched_.end() || found->second.id != event.data.u64 >> 32U) continue;
    // A copy: the callback may forget its own watch.
    const Ready ready = found->second.ready;
    ready(event.events);
  }
  call_due();
  call_idle();
}

}  // namespace interlock::sys
