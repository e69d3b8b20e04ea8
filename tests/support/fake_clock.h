#pragma once

#include <algorithm>

#include "engine/ports.h"

namespace interlock::testing_support {

/// A clock that goes where it is told, and never back.
class FakeClock final : public engine::Clock {
 public:
  explicit FakeClock(Time start = Time(std::chrono::seconds(1'000'000'000))) : now_(start) {}

  Time now() override { return now_; }
  void go_to(Time time) { now_ = std::max(now_, time); }

 private:
  Time now_;
};

}  // namespace interlock::testing_support
