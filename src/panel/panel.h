#pragma once

#include <string>
#include <vector>

#include "engine/status.h"
#include "panel/style.h"

namespace interlock::panel {

/// What a person watching a run sees now: how far it is, what runs, what waits and for what, what
/// failed, and what is asked of the person. Lines with colours, without line ends.
///
/// Fits any size: at most `size.rows` lines, none wider than `size.columns`. When rows are few, the
/// progress comes first, then what is asked, then a fair share of running, failed and waiting
/// tasks.
std::vector<std::string> draw_panel(const engine::RunStatus& run, Size size, Style style);

}  // namespace interlock::panel
