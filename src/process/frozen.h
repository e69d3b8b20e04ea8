#pragma once

#include <functional>
#include <vector>

#include "process/proc.h"

namespace interlock::process {

/// Ends all that `look` finds: stops each (SIGSTOP) until a look finds nobody who was not stopped,
/// then kills them all. The answer: everybody who was killed, once each. Who may not be signalled
/// is not among them.
std::vector<ProcessStat> end_all(const std::function<std::vector<ProcessStat>()>& look);

}  // namespace interlock::process
