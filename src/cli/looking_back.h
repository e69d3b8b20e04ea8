#pragma once

#include <optional>

#include "cli/chosen_run.h"
#include "engine/run_state.h"
#include "engine/status.h"
#include "history/sample.h"

namespace interlock::cli {

/// A run that is over, replayed with the times its tasks really took (decide/hindsight.h). Nothing
/// for one that is not over, and where nothing ran.
std::optional<history::Regret> look_back(const ChosenRun& run, const engine::RunState& state,
                                         const engine::RunStatus& view);

/// Tells it with the run.
void show_hindsight(const history::Regret& regret, engine::RunStatus& view);

/// What was found when the run ended; of runs of earlier versions only what is the same however it
/// was decided.
void show_kept_hindsight(const ChosenRun& run, journal::Store& store, engine::RunStatus& view);

}  // namespace interlock::cli
