#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

// What follows on a run that is over: taking its changes back, or handing them on.
namespace interlock::runs {

struct Undone {
  std::vector<TaskId> tasks;  ///< In the order of their commits.
  std::size_t paths = 0;      ///< That were changed by them.
};

/// Takes what one task, or all tasks of the run, committed back out of the workspace. Refused,
/// with nothing changed: while the run is not over, where a later task of the run read or changed
/// what is to go, and where somebody changed it since.
Result<Undone> undo(journal::Store& store, const std::string& state_folder, const ChosenRun& run,
                    std::optional<TaskId> task);

struct Landed {
  std::string branch;
  std::size_t commits = 0;
  std::vector<std::string> remarks;  ///< What is in no commit, and why.
};

/// Makes a branch of the person's repository that begins at HEAD and has one commit for each task
/// that changed something, in the order of their commits. Checkout, index and HEAD stay as they
/// are. Refused where the branch is there already.
Result<Landed> land(journal::Store& store, const std::string& state_folder, const ChosenRun& run,
                    const std::string& branch);

}  // namespace interlock::runs
