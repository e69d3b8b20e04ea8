#include "process/clock.h"

#include <algorithm>

namespace interlock::process {

using std::chrono::steady_clock;  // CLOCK_MONOTONIC in libstdc++

SystemClock::SystemClock(Time not_before)
    : start_(std::max(not_before,
                      std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()))),
      started_(steady_clock::now()) {}

Time SystemClock::now() {
  return start_ + std::chrono::duration_cast<Duration>(steady_clock::now() - started_);
}

}  // namespace interlock::process
