#pragma once

#include <vector>

#include "engine/commits.h"
#include "engine/run_state.h"
#include "schedule/change.h"

namespace interlock::engine {

struct Setup;

/// What an event means to the scheduler, if anything. `run` is what it is after the event.
std::vector<schedule::Change> changes_of(const RunState& run, const RecordedEvent& recorded);

/// A run's events, one by one: what they make of its state and commits, and what its scheduler is
/// made of.
struct Replay {
  explicit Replay(const plan::Plan& plan) : run(plan) {}

  void take(const RecordedEvent& recorded);

  RunState run;
  Commits commits;
  std::vector<schedule::Change> changes;
};

/// The scheduler as those changes left it; `now` is of a run that has not begun.
schedule::Scheduler scheduler_of(const Setup& setup, const std::vector<schedule::Change>& changes,
                                 Time now);

}  // namespace interlock::engine
