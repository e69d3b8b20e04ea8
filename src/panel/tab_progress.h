#pragma once

#include <optional>
#include <string>

#include "engine/status.h"

namespace interlock::panel {

/// How far a run is, for the tab or the taskbar of terminals that show it (OSC 9;4, of ConEmu).
/// Others take OSC 9 for a notice and pop it up, so it is for `Terminal::shows_progress` alone.
class TabProgress {
 public:
  /// What to write now; empty where it would show what is shown already.
  std::string update(const engine::RunStatus& run);
  /// What takes it away again; empty where nothing is shown.
  std::string end();
  static constexpr std::string_view kOff = "\x1b]9;4;0;0\x1b\\";

 private:
  std::string shown_;
};

}  // namespace interlock::panel
