#pragma once

#include <string>

#include "engine/ports.h"
#include "engine/run_state.h"
#include "engine/setup.h"
#include "engine/status.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"
#include "schedule/scheduler.h"

// What people are shown of a run, from its state alone.
namespace interlock::engine {

/// The command that goes on with a run that stopped at its limit, with a limit that is expected to
/// do.
std::string resume_with_more(const Setup& setup, const plan::Plan& plan, const RunState& run);

/// Why a waiting task waits, in words.
std::string say(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                const schedule::WaitReason& hold, TaskId task, Time now);

/// What faces draw. `heard` tells what a running attempt last said and when; absent for a run seen
/// from outside.
RunStatus view_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                  const Setup& setup, const RunState& run, const schedule::Scheduler& scheduler,
                  const Executor* last_output, Time now);
/// One task of that, also where the whole view leaves it out.
TaskStatus task_view_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const Setup& setup, const RunState& run,
                        const schedule::Scheduler& scheduler, const Executor* last_output, Time now,
                        TaskId task);

}  // namespace interlock::engine
