#include "gateway/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"

namespace interlock::gateway {
namespace {

constexpr std::size_t kEventsARound = 64;

std::uint64_t packed(std::uint64_t id, int descriptor) {
  return id << 32U | static_cast<std::uint32_t>(descriptor);
}

}  // namespace

Loop::Moment Loop::now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), poked_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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

int Loop::wait_ms() const {
  if (!idle_.empty()) return 0;
  if (timers_.empty()) return -1;
  const Moment left = timers_.begin()->first - now();
  if (left <= Moment::zero()) return 0;
  // Rounded up: to come too early is to come twice.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(ms, 3'600'000));
}

void Loop::call_due() {
  if (timers_.empty()) return;
  const Moment moment = now();
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
  std::array<epoll_event, kEventsARound> events{};
  while (!stopped_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsARound, wait_ms());
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
}

}  // namespace interlock::gateway
