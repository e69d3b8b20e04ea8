#pragma once

#include <optional>

#include "engine/event.h"
#include "engine/run_state.h"
#include "engine/status.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What an event is worth saying in one line; most are worth nothing. `run` is the state just after
/// it.
std::optional<Notice> notice_of(const plan::Plan& plan, const RunState& run,
                                const RecordedEvent& recorded);

}  // namespace interlock::engine
