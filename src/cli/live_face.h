#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/notifier.h"
#include "engine/engine.h"
#include "panel/line_face.h"
#include "panel/screen.h"
#include "runs/dispatch.h"

namespace interlock::cli {

/// How a run is shown while it is dispatched.
enum class Face : unsigned char {
  automatic,  ///< A panel on a terminal, lines elsewhere.
  panel,
  lines,
};

/// Shows a run on standard error while it is dispatched: a panel that is drawn anew by a timer, or
/// lines.
class LiveFace final : public runs::RunObserver {
 public:
  /// `notifier`: who calls a person that is not looking; none: nobody.
  LiveFace(const runs::ChosenRun& run, std::string log_folder, Face face, Console& console,
           Notifier* notifier = nullptr);

  /// When the next frame is due; nothing in line mode, where only what happens is told.
  std::optional<Time> next_frame() const override { return next_frame_; }
  /// Tells what happened, and draws a frame when one is due.
  void update(engine::Engine& engine, Time now) override;
  /// The last words, which stay.
  void finish(const engine::RunStatus& view) override;

 private:
  std::vector<std::string> lines_of(const engine::RunState& state,
                                    std::vector<engine::Notice> notices);
  void call(const engine::Notice& notice) const;
  void add_last_output(const engine::RunState& state, engine::Notice& notice) const;

  const runs::ChosenRun& run_;
  std::string log_folder_;
  Console& console_;
  Notifier* notifier_;
  bool panel_;
  panel::Screen screen_;
  panel::LineFace lines_;
  std::optional<Time> next_frame_;
};

/// Dispatches the run and shows it meanwhile; the result is the exit code of `run`.
Result<Exit> dispatch_and_show(journal::Store& store, const std::string& state_folder,
                               runs::ChosenRun& run, Face face, Console& console,
                               const std::function<Result<void>()>& begun = {},
                               Notifier* notifier = nullptr);

}  // namespace interlock::cli
