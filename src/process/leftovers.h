#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "process/proc.h"

namespace interlock::process {

/// Ends what is left of an attempt whose dispatcher died, and looks until nothing is. The answer
/// counts what was ended.
///
/// Found are: the process itself by its identity, what is in its session, what has the label's
/// brand or has the label in its environment, what was left in one cgroup with those or in any
/// other of a dispatcher that is no more, and all descendants.
Result<std::uint32_t> end_leftovers(const std::string& label,
                                    const std::optional<engine::ProcessIdentity>& process);

/// After that, where no cgroup held the attempt: who may have come of it all the same, having shed
/// label, brand and session. That is who began after it, runs as this user, lost its parent, and
/// shows no sign of being another's. Nobody: the attempt is proven gone.
std::vector<ProcessStat> possible_leftovers(const engine::ProcessIdentity& process);

}  // namespace interlock::process
