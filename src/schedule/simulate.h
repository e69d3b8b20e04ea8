#pragma once

#include <cstdint>
#include <vector>

#include "schedule/problem.h"

namespace interlock::schedule {

struct Slot {
  TaskId task;
  Duration start{};
  Duration end{};
  std::uint32_t lane = 0;

  bool operator==(const Slot&) const = default;
};

struct Timeline {
  std::vector<Slot> slots;  ///< By start, then plan order.
  Duration elapsed{};
};

/// Runs the plan in virtual time with the scheduler that runs it for real: every task succeeds and
/// takes what is expected, gates are approved at once.
Timeline simulate(const Problem& problem, const Policy& policy,
                  const std::vector<std::int64_t>& priorities);

}  // namespace interlock::schedule
