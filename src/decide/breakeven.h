#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// What one number of tasks takes, in every way.
struct SweepPoint {
  std::uint32_t tasks = 0;
  Range sequential, at_once;
  Range queue;  ///< Of the best number at once below `tasks`.
  std::uint32_t queue_of = 1;

  Duration least() const;
};

/// Where the ways cross.
struct Crossings {
  /// From so many tasks on overlapping saves what the plan asks for.
  std::optional<std::uint32_t> pays_from;
  /// From so many on a queue is faster than all at once, by more than two percent.
  std::optional<std::uint32_t> queue_from;
  std::uint32_t queue_of = 0;
  std::vector<SweepPoint> points;
};

/// The same with one assumption changed.
struct Sensitivity {
  std::string assumption;  ///< `task time`
  std::string value;       ///< `twice as long (2 m 00 s)`
  Crossings crossings;
  /// By what factor the least time for the most tasks changes.
  double factor = 1;
};

/// From how many tasks on overlapping pays, and from how many a queue is better than all at once.
struct Breakeven {
  std::string like;   ///< The task of the plan that all are taken to be like.
  Expected expected;  ///< Of that task.
  Duration join{};
  Crossings crossings;
  std::vector<Sensitivity> sensitivities;  ///< What moves the answer most first.
  std::vector<std::string> not_measured;
  std::string sentence;
};

/// Plays `n` equal, independent tasks, for growing `n`, like the plan's task of median time: its
/// resources, agent, retries and what joining its output costs. By the scheduler that runs plans,
/// in drawn worlds. Same plan and history, same answer. Of `options` the host counts, and what was
/// learned.
Breakeven breakeven(const plan::Plan& plan, const std::vector<Expected>& expected,
                    const Options& options = {});

}  // namespace interlock::decide
