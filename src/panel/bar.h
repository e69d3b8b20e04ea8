#pragma once

#include <string>
#include <vector>

#include "engine/status.h"
#include "panel/style.h"

namespace interlock::panel {

/// How far a run is, as a bar with a kind of cell for each fate of a task and the counts beside it,
/// or below it where the terminal is narrow: one line or two.
std::vector<std::string> draw_progress(const engine::RunStatus& run, Size size, Style style);

}  // namespace interlock::panel
