#pragma once

#include <optional>

#include "engine/event.h"
#include "engine/run_state.h"
#include "engine/view.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What a fact is worth saying in one line; most are worth nothing. `run` is the state just after
/// it.
std::optional<Notice> notice_of(const plan::Plan& plan, const RunState& run, const Event& event);

}  // namespace interlock::engine
