#pragma once

#include "engine/run_state.h"

// What calls of models and looks at the board leave in the record of an attempt.
namespace interlock::engine {

/// Calls end in any order; the one that came in last is the last.
void note_verdict(AttemptRecord& attempt, const ModelCall& call);
/// What another task was booked of it is no longer its own.
void take_part_away(Usage& known, const Usage& part);

/// Of each topic, all together.
void note_read(AttemptRecord& attempt, const BoardRead& event);

}  // namespace interlock::engine
