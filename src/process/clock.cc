#include "process/clock.h"

#include <algorithm>
#include <csignal>

namespace interlock::process {

using std::chrono::steady_clock;  // CLOCK_MONOTONIC in libstdc++

SystemClock::SystemClock(Time not_before)
    : start_(std::max(not_before,
                      std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()))),
      started_(steady_clock::now()) {}

Time SystemClock::now() {
  return start_ + std::chrono::duration_cast<Duration>(steady_clock::now() - started_);
}

bool sleep_unless_asked_to_end(Duration wait) {
  using std::chrono::system_clock;
  constexpr Duration kLook = std::chrono::seconds(30);
  const auto end = system_clock::now() + wait;
  sigset_t asks;
  sigset_t before;
  sigemptyset(&asks);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&asks, signal);
  ::pthread_sigmask(SIG_BLOCK, &asks, &before);
  bool is_asked = false;
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(end - system_clock::now());
    if (left <= Duration::zero()) break;
    const Duration step = std::min(left, kLook);
    timespec time{};
    time.tv_sec = step / std::chrono::seconds(1);
    time.tv_nsec = (step % std::chrono::seconds(1)).count() * 1000;
    if (::sigtimedwait(&asks, nullptr, &time) > 0) {
      is_asked = true;
      break;
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !is_asked;
}

}  // namespace interlock::process
