#pragma once

#include "engine/ports.h"

namespace interlock::process {

/// The wall clock at the start, and from there on the time the machine was awake (CLOCK_MONOTONIC).
///
/// So setting the clock moves nothing, and a laptop that sleeps lets no agent time out: the agent
/// slept as well. CLOCK_BOOTTIME would count the sleep against it. The price is that times shown
/// after a sleep lag behind the wall clock until the next start.
class SystemClock final : public engine::Clock {
 public:
  /// `not_before`: the last moment a resumed run knows, should the clock have been set back in
  /// between.
  explicit SystemClock(Time not_before = {});

  Time now() override;

 private:
  Time start_;
  std::chrono::steady_clock::time_point started_;
};

/// Sleeps so long by the wall clock, also where the machine slept meanwhile. False: a signal asked
/// the process to end (INT, TERM, HUP, which may be blocked; it is taken).
bool sleep_unless_asked_to_end(Duration wait);

}  // namespace interlock::process
