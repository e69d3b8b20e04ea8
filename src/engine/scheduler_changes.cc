#include "engine/scheduler_changes.h"

#include "engine/retry.h"
#include "engine/setup.h"

namespace interlock::engine {

namespace {

using schedule::Change;
using schedule::End;

/// What one event changes. The run has taken it already.
class ChangesOf {
 public:
  ChangesOf(const RunState& run, const RecordedEvent& recorded) : run_(run), at_(recorded.at) {}

  std::vector<Change> take() { return std::move(changes_); }

  void operator()(const RunBegan&) {
    if (run_.seq == 1) return add({.kind = Change::Kind::begin});
    // A back-off is never longer, whatever became of the machine's clock since.
    add({.kind = Change::Kind::resume, .until = at_ + kBackoffMax});
  }
  void operator()(const RunStopping& event) {
    // Failures hold the scheduler by themselves, until a person asks for some of them again.
    if (event.cause != RunStopping::Cause::failures) add({.kind = Change::Kind::stop});
  }
  void operator()(const GateAnswered& event) {
    if (!event.approved) return;  // What follows is that the task failed, or that the run stops.
    if (!event.task) return add({.kind = Change::Kind::approve_review});
    if (event.kind == GateKind::before) add({.kind = Change::Kind::approve, .task = *event.task});
  }
  void operator()(const AttemptStarted& event) {
    add({.kind = Change::Kind::start, .task = event.task, .with = event.with});
  }
  void operator()(const AttemptEnded& event) {
    add({.kind = Change::Kind::release, .task = event.task});
  }
  void operator()(const ChangesReady& event) {
    // Nobody is asked about it any more.
    add({.kind = Change::Kind::approve, .task = event.task});
  }
  void operator()(const RetryPlanned& event) {
    add({.kind = Change::Kind::requeue,
         .task = event.task,
         .until = event.not_before,
         .in_turn = run_[event.task].conflicts >= kConflictsInTurn});
  }
  void operator()(const ChangesLost& event) {
    for (const TaskId task : event.tasks) add({.kind = Change::Kind::undo, .task = task});
  }
  void operator()(const TaskDone& event) { end(event.task, End::succeeded); }
  void operator()(const TaskFailed& event) { end(event.task, End::failed); }
  void operator()(const TaskSkipped& event) { end(event.task, End::skipped); }
  void operator()(const TaskCancelled& event) { end(event.task, End::cancelled); }
  void operator()(const TaskRevived& event) {
    add({.kind = Change::Kind::revive, .task = event.task});
  }
  template <typename Other>
  void operator()(const Other&) {}

 private:
  void end(TaskId task, End how) { add({.kind = Change::Kind::end, .task = task, .end = how}); }
  void add(Change change) {
    change.at = at_;
    changes_.push_back(change);
  }

  const RunState& run_;
  Time at_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> changes_of(const RunState& run, const RecordedEvent& recorded) {
  ChangesOf changes(run, recorded);
  std::visit(changes, recorded.event);
  return changes.take();
}

void Replay::take(const RecordedEvent& recorded) {
  apply(run, recorded);
  commits.apply(run, recorded);
  for (const Change& change : changes_of(run, recorded)) changes.push_back(change);
}

schedule::Scheduler scheduler_of(const Setup& setup, const std::vector<Change>& changes, Time now) {
  const Time begin = changes.empty() ? now : changes.front().at;
  schedule::Scheduler scheduler(setup.problem, setup.policy, setup.priorities, begin);
  for (const Change& change : changes) scheduler.apply(change);
  return scheduler;
}

}  // namespace interlock::engine
