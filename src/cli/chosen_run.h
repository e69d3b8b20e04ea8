#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/planning.h"
#include "engine/engine.h"
#include "engine/run_state.h"
#include "journal/store.h"

namespace interlock::cli {

/// A run of the journal, with its plan read again exactly as it was, and everything that is true of
/// it.
struct ChosenRun {
  journal::RunHead head;
  PlanWish wish;
  Planned planned;
  engine::RunState state;
  bool plan_is_new = false;  ///< Its plan was edited, and `dispatch` puts it in the place of the one kept.

  const std::string& id() const { return head.id; }
  const plan::Plan& plan() const { return planned.plan; }
  /// Whether a dispatcher holds the run and lives.
  bool dispatched() const;
};

/// A run to look at: no search for the best order. `name` as journal::choose_run understands it.
/// Never shows a run as running whose dispatcher is dead.
Result<std::unique_ptr<ChosenRun>> choose_run(journal::Store& store, const std::string& name);

/// A run to dispatch: its tasks get the isolation that is to be had here and now.
Result<std::unique_ptr<ChosenRun>> choose_run_to_dispatch(journal::Store& store,
                                                          const std::string& name,
                                                          const std::string& state_folder);

/// The task a person means; the error names the nearest.
Result<TaskId> choose_task(const ChosenRun& run, const std::string& name);

/// `running`, `finished`, `failed`, `waits at a gate`, `interrupted`, `cancelled`, `died`.
std::string state_text(const ChosenRun& run);

/// Where a run's logs and attempt folders lie.
std::string run_folder(const std::string& state, const std::string& run);
std::string log_folder(const std::string& state, const std::string& run);

/// The run as faces draw it, seen from outside its dispatcher.
engine::RunView view_from_outside(const ChosenRun& run, Time now);
engine::TaskView task_view_from_outside(const ChosenRun& run, TaskId task, Time now);

}  // namespace interlock::cli
