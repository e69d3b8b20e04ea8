#pragma once

#include <string>
#include <vector>

#include "engine/view.h"
#include "panel/style.h"

namespace interlock::panel {

/// The last frame of a run, which stays: how it ended, what it took and saved, what it cost, where
/// time was waited, each failure with the command that shows more of it, and what to do next.
///
/// No line is wider than `size.columns`, but for commands: they are there to be copied, so they
/// stay whole. The failures shown leave the rest room in `size.rows`, and are never fewer than
/// three.
std::vector<std::string> draw_summary(const engine::RunView& run, Size size, Style style);

}  // namespace interlock::panel
