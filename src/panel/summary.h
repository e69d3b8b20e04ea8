#pragma once

#include <string>
#include <vector>

#include "engine/status.h"
#include "panel/style.h"

namespace interlock::panel {

/// The last frame of a run, which stays: how it ended, what it took and saved, what it cost, where
/// time was waited, each failure with the command that shows more of it, and what to do next.
///
/// It is printed once and for good, so the terminal may wrap it, which `wraps` does at words, but
/// for commands, whoever copies them: events and commands are never cut,
/// a failure's reason only beyond three rows. The failures shown leave the rest room in
/// `size.rows`, and are never fewer than three.
std::vector<std::string> draw_summary(const engine::RunStatus& run, Size size, Style style,
                                      bool wraps = false);

}  // namespace interlock::panel
