#pragma once

#include "base/result.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// A task that the journal shows running belongs to a dispatcher that is gone (whoever holds the
/// run now made sure of that). Its processes may not be: they are ended and proven gone before
/// anything else may touch what they touch.
[[nodiscard]] Result<void> end_leftovers(Turn& turn, TaskEndings& tasks);

}  // namespace interlock::engine
