#include "process/loop.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace interlock::process {

using std::chrono::steady_clock;

namespace {

/// At most so many are handled in a turn, so that a child that never stops writing cannot hold it
/// up.
constexpr int kEventsPerTurn = 128;

std::uint32_t events_of(Loop::Ready ready) {
  switch (ready) {
    case Loop::Ready::to_read: return EPOLLIN;
    case Loop::Ready::to_write: return EPOLLOUT;
    case Loop::Ready::urgent: return EPOLLPRI;
  }
  return 0;
}

}  // namespace

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  check(static_cast<bool>(epoll_), "epoll is there");
}

Loop::Watch Loop::watch(int descriptor, Ready ready, std::function<void()> callback) {
  const std::uint64_t id = ++last_id_;
  entries_.emplace(id, std::make_shared<Entry>(Entry{std::move(callback), descriptor, {}}));
  epoll_event event{.events = events_of(ready), .data = {.u64 = id}};
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0,
        "the descriptor can be watched, and is not yet");
  return {this, id};
}

Loop::Watch Loop::after(Duration delay, std::function<void()> callback) {
  const std::uint64_t id = ++last_id_;
  const Moment due = steady_clock::now() + delay;
  entries_.emplace(id, std::make_shared<Entry>(Entry{std::move(callback), -1, due}));
  timers_.emplace(due, id);
  return {this, id};
}

Loop::Watch Loop::on_signals(std::span<const int> signals, std::function<void(int)> callback) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  auto source = std::make_shared<sys::Descriptor>(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  check(static_cast<bool>(*source), "signals can be read");
  return watch(source->get(), Ready::to_read, [source, call = std::move(callback)] {
    signalfd_siginfo info{};
    while (::read(source->get(), &info, sizeof info) == sizeof info)
      call(static_cast<int>(info.ssi_signo));
  });
}

void Loop::forget(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const Entry& entry = *found->second;
  if (entry.descriptor >= 0) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.descriptor, nullptr);
  } else {
    timers_.erase({entry.due, id});
  }
  entries_.erase(found);
}

void Loop::run(Duration most) {
  Duration patience = std::max(most, Duration::zero());
  if (!timers_.empty()) {
    const auto until_due =
        std::chrono::ceil<Duration>(timers_.begin()->first - steady_clock::now());
    patience = std::clamp(until_due, Duration::zero(), patience);
  }
  std::array<epoll_event, kEventsPerTurn> events;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  const int ready =
      ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, static_cast<int>(milliseconds));
  for (int event = 0; event < ready; ++event) call(events[event].data.u64);
  call_what_is_due();
}

void Loop::call(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto kept = found->second;  // The callback may end its own watch.
  kept->callback();
}

void Loop::call_what_is_due() {
  const Moment now = steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto entry = entries_.extract(timers_.begin()->second);
    timers_.erase(timers_.begin());
    entry.mapped()->callback();
  }
}

}  // namespace interlock::process
