#pragma once

#include "engine/attempt.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// Puts into `event`, whose task is set, what the task's latest attempt used, and who says so: the
/// gateway, where all calls went through it, else the client. `live`: what is known of it beyond
/// the run's events; nothing of one that a dead dispatcher left.
void note_usage(const plan::Plan& plan, const RunState& run, const Attempt& live,
                AttemptEnded& event);

}  // namespace interlock::engine
