#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/run_state.h"
#include "engine/scheduler_changes.h"
#include "engine/view_of.h"
#include "journal/run_lock.h"
#include "journal/store.h"
#include "runs/planning.h"

namespace interlock::runs {

/// A run of the journal, with its plan read again exactly as it was, and everything that is true of
/// it.
struct ChosenRun {
  journal::RunHead head;
  PlanRequest request;
  Planned planned;
  engine::RunState state;
  std::size_t planned_tasks = 0;  ///< Of the plan's document; those behind were added.
  // Of its events too, until it is dispatched: what waits and was committed, and what its scheduler
  // is made of.
  engine::Commits commits = {};
  std::vector<schedule::Change> changes = {};
  bool plan_is_new =
      false;  ///< Its plan was edited, and `dispatch` puts it in the place of the one kept.
  /// Where it was waited for, and the run is not dispatched yet.
  std::optional<journal::RunLock> workspace_held = {};
  journal::Leases* leases = nullptr;  ///< Of the store it is from, which outlives it.

  const std::string& id() const { return head.id; }
  const plan::Plan& plan() const { return planned.plan; }
  /// State and changes, from the journal; the plan grows as it did. `state_folder`: of a run that
  /// is to be dispatched, whose tasks get the isolation that is to be had. Not `is_decided`:
  /// `planned` holds the plan alone so far.
  Result<void> replay(journal::Store& store, decide::History history,
                      const std::string* state_folder, bool is_decided = true);
  /// Whether a dispatcher holds the run and lives, here or on another machine.
  bool dispatched() const;
};

void take_retuned(Planned& planned, const engine::RunRetuned& retuned);

/// Where a person stands, which says whose `last` is meant.
struct Where {
  std::string folder;  ///< Absolute, without links.
  bool any = false;    ///< `--any`: the machine's latest run, wherever it belongs.
};

/// The id of the run a person means: `last` or nothing is the latest that belongs to where they
/// stand, never another project's; else an id, its beginning or its last part, wherever they stand.
Result<std::string> run_named(journal::Store& store, const Where& where, const std::string& name);

/// ``of run r-1 (plan `p`, workspace `/w`)``: what every verb names that changes something.
std::string whole_name(const ChosenRun& run);

/// A run to look at: no search for the best order. `id` as `run_named` gives it, or as
/// journal::choose_run understands it. Never shows a run as running whose dispatcher is dead.
Result<std::unique_ptr<ChosenRun>> choose_run(journal::Store& store, const std::string& name);

/// The plan that is kept with a run, read again exactly as it was.
/// `items`: what is known of its families, as `plan::ReadOptions` has it.
Result<plan::Plan> kept_plan(const journal::RunHead& head, const PlanRequest& request,
                             const std::map<std::uint32_t, std::vector<std::string>>& items = {});

/// What the words `[RUN] [NAME]` mean, where either may be left out.
struct Meant {
  std::unique_ptr<ChosenRun> run;
  std::string name;  ///< A task or an output of it; empty: none was named.
};
/// One word alone is a name where the latest run here has a task or a merge of that name, else a
/// run.
Result<Meant> choose_meant(journal::Store& store, const Where& where, const std::string& run,
                           const std::string& name);

/// A run to dispatch: its tasks get the isolation that is to be had here and now.
Result<std::unique_ptr<ChosenRun>> choose_run_to_dispatch(journal::Store& store,
                                                          const std::string& name,
                                                          const std::string& state_folder);

/// The task a person means; the error names the nearest.
Result<TaskId> choose_task(const ChosenRun& run, const std::string& name);

/// `finished`, `waits at a gate`, ...
std::string ended_text(engine::RunEnded::How how);

/// `running`, `finished`, `failed`, `waits at a gate`, `interrupted`, `cancelled`, `died`.
std::string state_text(const ChosenRun& run);

/// Where a run's logs and attempt folders lie.
std::string run_folder(const std::string& state, const std::string& run);
std::string log_folder(const std::string& state, const std::string& run);

/// The run as faces draw it, seen from outside its dispatcher.
engine::RunStatus view_from_outside(const ChosenRun& run, Time now);
engine::TaskStatus task_view_from_outside(const ChosenRun& run, TaskId task, Time now);

}  // namespace interlock::runs
