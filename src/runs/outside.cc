#include "runs/outside.h"

#include "engine/scheduler_changes.h"
#include "engine/view_of.h"

namespace interlock::runs {
namespace {

Time moment_of(const ChosenRun& run, Time now) {
  return run.dispatched() ? now : run.state.last.value_or(now);
}

}  // namespace

Outside::Outside(const ChosenRun& run, Time now)
    : setup_(setup_for(run.planned, run.id())),
      scheduler_(engine::scheduler_of(setup_, run.changes, moment_of(run, now))) {
  if (run.dispatched()) return;
  // What a dead dispatcher had running waits to be done again.
  const Time at = moment_of(run, now);
  for (std::uint32_t i = 0; i < setup_.problem.jobs.size(); ++i) {
    if (!scheduler_.is_running(TaskId(i))) continue;
    scheduler_.release(TaskId(i), {}, at);
    scheduler_.requeue(TaskId(i), at, at);
  }
}

engine::RunStatus Outside::status(const ChosenRun& run, Time now) const {
  return engine::view_of(run.plan(), run.planned.waits(), setup_, run.state, scheduler_, nullptr,
                         moment_of(run, now));
}

engine::TaskStatus Outside::status(const ChosenRun& run, TaskId task, Time now) const {
  return engine::task_view_of(run.plan(), run.planned.waits(), setup_, run.state, scheduler_,
                              nullptr, moment_of(run, now), task);
}

}  // namespace interlock::runs
