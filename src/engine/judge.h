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
  std::optional<std::string>
      instead{};  ///< What counts as the output, where it is not all of the text.
};

/// What a client's or the gateway's word for a failure makes of an attempt.
Outcome outcome_of(agents::Failure failure);

/// Judges how the process ended. `stopped_for` says what the engine itself stopped it for, if it
/// did.
Judgement judge_exit(const plan::Task& task, const Exited& exited,
                     std::optional<Outcome> stopped_for);

/// `detail`, and what could not be proven gone when the attempt ended.
std::string with_unproven(std::string detail, const std::vector<std::string>& unproven);

/// Judges what the task gave back; only when its exit was fine. `output` is nothing when the
/// promised file is not there.
///
/// Models like to put JSON into a Markdown fence. What was asked for with a prompt is taken out of
/// the only fence there is when that is the whole answer, or when other text still stands around it
/// after a correction
/// (`corrected`) asked for the JSON alone. Commands without a prompt are programs, which can be
/// mended, and `output: {strict: true}` takes nothing out.
Judgement judge_output(const plan::Task& task, std::optional<std::string_view> output, bool cut,
                       bool corrected, Validator& validator);

/// Whether a failure may have come of what the attempt found in its snapshot. Such a failure is
/// believed only when what it found still holds at its turn, as a success is. What a person, a
/// provider, a budget or the dispatcher's end brought about is none.
bool depends_on_what_was_found(Outcome outcome);

}  // namespace interlock::engine
