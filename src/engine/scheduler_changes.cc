#include "engine/scheduler_changes.h"

#include <algorithm>

#include "engine/retry.h"
#include "engine/setup.h"
#include "schedule/world.h"

namespace interlock::engine {

namespace {

using schedule::Change;
using schedule::End;

static_assert(kConflictsInTurn == schedule::kConflictsInTurn, "forecasts play it as runs do");

/// What one event changes. The run has taken it already.
class ChangesOf {
 public:
  ChangesOf(const RunState& run, const RecordedEvent& recorded) : run_(run), at_(recorded.at) {}

  std::vector<Change> take() { return std::move(changes_); }

  void operator()(const RunBegan&) {
    // Its first dispatcher; any later one takes the run up.
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
    // With whom it shares its slot, else it has one of its own.
    add({.kind = Change::Kind::start, .task = event.task, .with = event.with});
  }
  void operator()(const AttemptEnded& event) {
    // Its slot is free; whether it is done, or again, or failed, comes with the next event.
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
         // Then it waits until nobody before it is left who could come in between.
         .in_turn = run_[event.task].conflicts >= kConflictsInTurn});
  }
  void operator()(const ChangesLost& event) {
    // Whatever had come of them: they wait as if they had never run.
    for (const TaskId task : event.tasks) add({.kind = Change::Kind::undo, .task = task});
  }
  void operator()(const TaskDone& event) { end(event.task, End::succeeded); }
  void operator()(const TaskFailed& event) { end(event.task, End::failed); }
  void operator()(const TaskSkipped& event) {
    end(event.task, event.unneeded.empty() ? End::skipped : End::unneeded);
  }
  void operator()(const TryEnded& event) {
    // Good or not, whether it counts is known later: whoever waits for it may go on.
    end(event.task, End::unneeded);
  }
  void operator()(const TaskCancelled& event) { end(event.task, End::cancelled); }
  void operator()(const TaskRevived& event) {
    add({.kind = Change::Kind::revive, .task = event.task});
  }
  void operator()(const TasksAdded& event) {
    // They were announced before, with all that the scheduler needs of them.
    add({.kind = Change::Kind::add, .count = event.count});
  }
  void operator()(const RunHeld&) { add({.kind = Change::Kind::pause}); }
  void operator()(const RunReleased&) { add({.kind = Change::Kind::go_on}); }
  void operator()(const RunRetuned& event) {
    if (event.parallel)
      add({.kind = Change::Kind::retune, .count = static_cast<std::uint32_t>(*event.parallel)});
  }
  void operator()(const TaskMoved& event) {
    add({.kind = Change::Kind::move,
         .task = event.task,
         .with = event.other,
         .count = static_cast<std::uint32_t>(event.place)});
  }
  // All others: what a call cost or what an agent said lets nothing start.
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
  // When the run began, not now: back-offs and waits are counted from there.
  const Time begin = changes.empty() ? now : changes.front().at;
  // What was added comes when its event does, as it came at first.
  schedule::Problem problem = setup.problem;
  std::vector<std::int64_t> priorities = setup.priorities;
  const std::size_t planned = problem.jobs.size() - setup.added;
  const auto first_link = std::ranges::find_if(
      problem.links, [&](const schedule::Link& link) { return link.after.index() >= planned; });
  std::vector<schedule::Job> jobs(problem.jobs.begin() + static_cast<std::ptrdiff_t>(planned),
                                  problem.jobs.end());
  std::vector<schedule::Link> links(first_link, problem.links.end());
  problem.links.erase(first_link, problem.links.end());
  problem.jobs.resize(planned);
  if (!priorities.empty()) priorities.resize(planned);
  schedule::Scheduler scheduler(std::move(problem), setup.policy, std::move(priorities), begin);
  scheduler.announce(std::move(jobs), links);
  for (const Change& change : changes) scheduler.apply(change);
  return scheduler;
}

}  // namespace interlock::engine
