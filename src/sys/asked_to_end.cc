#include "sys/asked_to_end.h"

#include <signal.h>

#include <atomic>

namespace interlock::sys {

namespace {

using Clock = std::chrono::steady_clock;

/// When what is done after a signal was heard has had its time; the largest: none was. One for the
/// process, as signals are.
std::atomic<Clock::duration> patience_ends{Clock::duration::max()};

}  // namespace

bool is_asked_to_end() {
  if (const auto ends = patience_ends.load();
      ends != Clock::duration::max() && Clock::now().time_since_epoch() >= ends)
    return true;
  sigset_t waiting;
  if (::sigpending(&waiting) != 0) return false;
  return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1 ||
         sigismember(&waiting, SIGHUP) == 1;
}

void end_within(std::chrono::nanoseconds patience) {
  patience_ends = Clock::now().time_since_epoch() + patience;
}

void begin_unasked() { patience_ends = Clock::duration::max(); }

}  // namespace interlock::sys
