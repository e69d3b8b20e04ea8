#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/budgets.h"
#include "engine/commits.h"
#include "engine/ports.h"
#include "engine/run_state.h"
#include "engine/scheduler_changes.h"
#include "engine/status.h"
#include "plan/plan.h"
#include "schedule/scheduler.h"

namespace interlock::engine {

/// Where events are made: applied at once, so that the rest of the turn sees them; durable at
/// `commit`, all or none; told to anybody only after that. When `commit` fails the run must stop:
/// memory is ahead of the journal.
///
/// Nothing else writes what is true of a run: its state, its scheduler, commits and budgets are
/// made of events here, as a later dispatcher makes them of the journal's.
class EventBatch {
 public:
  EventBatch(const plan::Plan& plan, const Setup& setup, Replay before, Time now, Journal& journal);

  void open_turn(Time now) { now_ = now; }
  void record(Event event);
  /// What the next `TasksAdded` brings to the scheduler.
  void announce(std::vector<schedule::Job> jobs, const std::vector<schedule::Link>& links) {
    scheduler_.announce(std::move(jobs), links);
  }
  /// What the next `FamilyExpanded` makes of the scheduler. A replay needs no such thing: it begins
  /// with what is known in the end.
  void refine(TaskId first, std::vector<schedule::Job> jobs, std::vector<schedule::Link> links) {
    scheduler_.refine(first, std::move(jobs), std::move(links), now_);
  }
  void keep(Blob blob) { blobs_.push_back(std::move(blob)); }
  /// Their texts; the event that names one is to be recorded next.
  Digest keep(changes::Changeset changes);
  Digest keep(changes::ReadSet reads);
  void keep(std::string task, StoredResult result) {
    results_.emplace_back(std::move(task), std::move(result));
  }
  Result<void> commit();
  /// What was kept, also in this turn.
  Result<std::string> blob(const Digest& digest);

  const RunState& run() const { return run_; }
  const schedule::Scheduler& scheduler() const { return scheduler_; }
  const Commits& commits() const { return commits_; }
  const Budgets& budgets() const { return budgets_; }
  /// Reads what a replay left unread.
  Result<void> load_commits();
  Time now() const { return now_; }
  /// Tasks that were over after an event about them, since the last call; some of them twice.
  std::vector<TaskId> take_over() { return std::exchange(over_, {}); }
  /// What was made durable since the last call, for people.
  std::vector<Notice> take_notices() { return std::exchange(reported_, {}); }

 private:
  const plan::Plan& plan_;
  RunState run_;
  schedule::Scheduler scheduler_;
  Commits commits_;
  Budgets budgets_;
  Journal& journal_;
  Time now_{};
  std::vector<RecordedEvent> batch_;
  std::vector<Blob> blobs_;
  std::vector<std::pair<std::string, StoredResult>> results_;
  std::vector<Notice> unreported_, reported_;
  std::vector<TaskId> over_;
};

/// How long dispatchers have held the run, up to `now`.
Duration elapsed_of(const RunState& run, Time now);

}  // namespace interlock::engine
