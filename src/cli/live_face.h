#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/dispatch.h"
#include "engine/engine.h"
#include "panel/line_face.h"
#include "panel/screen.h"

namespace interlock::cli {

/// Shows a run on standard error while it is dispatched: a panel that is drawn anew by a timer, or
/// lines.
class LiveFace {
 public:
  LiveFace(const ChosenRun& run, std::string log_folder, Face face, Console& console);

  /// When the next frame is due; nothing in line mode, where only what happens is told.
  std::optional<Time> next_frame() const { return next_frame_; }
  /// Tells what happened, and draws a frame when one is due.
  void update(engine::Engine& engine, Time now);
  /// The last words, which stay.
  void finish(const engine::RunStatus& view);

 private:
  std::vector<std::string> lines_of(const engine::RunState& state,
                                    std::vector<engine::Notice> notices);
  void add_last_output(const engine::RunState& state, engine::Notice& notice) const;

  const ChosenRun& run_;
  std::string log_folder_;
  Console& console_;
  bool panel_;
  panel::Screen screen_;
  panel::LineFace lines_;
  std::optional<Time> next_frame_;
};

}  // namespace interlock::cli
