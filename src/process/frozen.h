#pragma once

#include <functional>
#include <vector>

#include "sys/proc.h"

namespace interlock::process {

/// Ends all that `look` finds: stops each (SIGSTOP) until a look finds nobody who was not stopped,
/// then kills them all. The answer: everybody who was killed, once each. Who may not be signalled
/// is not among them.
std::vector<sys::ProcessStat> end_all(const std::function<std::vector<sys::ProcessStat>()>& look);

}  // namespace interlock::process
