#pragma once

#include <vector>

#include "changes/read_set.h"
#include "journal/store.h"
#include "runs/chosen_run.h"
#include "snapshots/undo.h"

// What a run that is over committed.
namespace interlock::runs {

/// Refused while it is not over, or not all of it is in the workspace; missing where there is none.
Result<void> check_over(const ChosenRun& run);
/// In the order of their commits. Each has the name of the attempt that did it: of a task with
/// tries that is one of a try, so `task_of` says whose it is.
Result<std::vector<snapshots::Committed>> commits_of(journal::Store& store, const ChosenRun& run);
TaskId task_of(const plan::Plan& plan, const snapshots::Committed& commit);
/// What the attempt of that commit read; nothing where that is not known.
Result<changes::ReadSet> reads_of(journal::Store& store, const ChosenRun& run,
                                  const snapshots::Committed& commit);

}  // namespace interlock::runs
