#pragma once

#include <string>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::cli {

/// Whether tasks can be isolated so on this host and in this workspace, and what to do if not.
Result<void> can_isolate(plan::Isolation isolation, const std::string& workspace,
                         const std::string& state_folder);

/// Gives every task the first isolation of its list that is possible here; notes in the plan which
/// tasks got less than they asked for. Refused where none is.
Result<void> settle_isolation(plan::Plan& plan, const std::string& state_folder);

/// Of `commits: task`: refuses where it cannot be kept, and notes which tasks get no commit, for
/// only snapshots tell which files a task changed. `settle_isolation` asks it too.
Result<void> settle_commits(plan::Plan& plan);

}  // namespace interlock::cli
