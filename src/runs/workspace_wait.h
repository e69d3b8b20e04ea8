#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "journal/run_lock.h"

namespace interlock::runs {

/// Holds the workspace as soon as nobody else does. `most`: so long at most, then refused with the
/// name of its holder; nothing: however long it takes. `say` is told whom it waits for, once for
/// each of them. Nothing: a signal asked the process to end. `plan` names who holds it, until its
/// run has an id.
Result<std::optional<journal::RunLock>> wait_for_workspace(
    const std::string& state_folder, const std::string& workspace, const std::string& plan,
    std::optional<Duration> most, const std::function<void(const std::string&)>& say);

}  // namespace interlock::runs
