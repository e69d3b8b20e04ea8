#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/notifier.h"
#include "cli/watching.h"
#include "panel/line_face.h"
#include "panel/screen.h"
#include "panel/tab_progress.h"
#include "runs/dispatch.h"

namespace interlock::cli {

/// How a run is shown while it is dispatched.
enum class Face : unsigned char {
  automatic,  ///< A panel on a terminal, lines elsewhere.
  panel,
  lines,
};

class Detachment;

/// Who watches a run, beside what is drawn.
struct Audience {
  Notifier* notifier = nullptr;   ///< Who calls a person that is not looking; none: nobody.
  Detachment* way_out = nullptr;  ///< Set where keys are read: how a person leaves.
};

/// Shows a run on standard error while it is dispatched: a panel that is drawn anew by a timer, or
/// lines.
class LiveFace final : public runs::RunObserver {
 public:
  LiveFace(journal::Store& store, const runs::ChosenRun& run, const std::string& log_folder,
           Face face, Console& console, Audience audience);
  ~LiveFace() override;

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
  void draw(engine::Engine& engine, const std::vector<std::string>& permanent, Time now);
  void leave();

  const runs::ChosenRun& run_;
  std::string log_folder_;
  Console& console_;
  Notifier* notifier_;
  Detachment* way_out_;
  bool panel_;
  panel::Screen screen_;
  std::optional<Watching> watching_;
  std::optional<panel::TabProgress> tab_;
  panel::LineFace lines_;
  std::optional<Time> next_frame_;
};

/// Dispatches the run and shows it meanwhile; the result is the exit code of `run`.
Result<Exit> dispatch_and_show(journal::Store& store, const std::string& state_folder,
                               runs::ChosenRun& run, Face face, Console& console,
                               const std::function<Result<void>()>& begun = {},
                               Audience audience = {});

}  // namespace interlock::cli
