#pragma once

#include <optional>
#include <string>

#include "engine/ports.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What came of an attempt's work.
struct Judgement {
  Outcome outcome = Outcome::succeeded;
  std::string detail;     ///< For people; empty on success.
  std::string complaint;  ///< For the agent: what was wrong with its output, for the correction.
};

/// What a client's or the gateway's word for a failure makes of an attempt.
Outcome outcome_of(agents::Failure failure);

/// Judges how the process ended. `stopped_for` says what the engine itself stopped it for, if it
/// did.
Judgement judge_exit(const plan::Task& task, const Exited& exited,
                     std::optional<Outcome> stopped_for);

/// Judges what the task gave back; only when its exit was fine. `output` is nothing when the
/// promised file is not there.
Judgement judge_output(const plan::Task& task, const std::optional<std::string>& output, bool cut,
                       Validator& validator);

}  // namespace interlock::engine
