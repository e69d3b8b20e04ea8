#pragma once

#include "engine/setup.h"
#include "engine/status.h"
#include "runs/chosen_run.h"
#include "schedule/scheduler.h"

namespace interlock::runs {

/// What it takes to say how a run stands from outside its dispatcher: the scheduler that its events
/// made. Who looks again and again keeps it, for making it anew costs what all of its events do.
/// Of a run nobody dispatches time stands where it was left, and what was running waits.
class Outside {
 public:
  Outside(const ChosenRun& run, Time now);

  /// What happened since, in order. With another plan, another width, or no dispatcher any more, it
  /// is made anew.
  void take(const schedule::Change& change) { scheduler_.apply(change); }

  /// `run` is the one it was made of, with all that was taken.
  engine::RunStatus status(const ChosenRun& run, Time now) const;
  engine::TaskStatus status(const ChosenRun& run, TaskId task, Time now) const;

 private:
  engine::Setup setup_;
  schedule::Scheduler scheduler_;
};

}  // namespace interlock::runs
