#pragma once

#include "base/result.h"
#include "runs/sub_agents.h"

namespace interlock::runs {

/// See `SubAgentCopies::bring_back`. To be called by one process at a time for each workspace.
Result<BroughtBack> return_changes(const SubAgentCopy& copy);

}  // namespace interlock::runs
