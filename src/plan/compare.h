#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"

namespace interlock::plan {

/// What is another in a plan that was read again after its file was edited.
struct PlanChanges {
  /// Tasks that do something else now, or in another way; ids as the older plan counts them.
  std::vector<TaskId> tasks;
  std::vector<std::uint32_t> merges;  ///< Likewise.
  std::size_t added = 0;              ///< Tasks at the end that are new.
  bool limits = false;
  bool drivers = false;  ///< Of merges of files: they join what comes from now on.
  /// Why the two cannot be the same run: tasks are gone or in another order, another workspace.
  /// Empty: they can.
  std::string apart;

  bool any() const {
    return !tasks.empty() || !merges.empty() || added > 0 || limits || drivers || !apart.empty();
  }
};

/// Places, names and notes do not count: a comment or another layout changes nothing.
PlanChanges changes_between(const Plan& before, const Plan& after);

}  // namespace interlock::plan
