#include "cli/attach.h"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

#include "base/text.h"
#include "panel/panel.h"
#include "panel/screen.h"
#include "panel/summary.h"
#include "process/blocked_signals.h"
#include "process/clock.h"
#include "runs/open_store.h"

// `attach`: the face of a run that goes on elsewhere.
namespace interlock::cli {

namespace {

using engine::TaskState;

/// Looks at the journal: often enough to be followed by eye.
constexpr Duration kLook = std::chrono::milliseconds(200);

Exit exit_of(const runs::ChosenRun& run) {
  using How = engine::RunEnded::How;
  if (!run.state.ended) return Exit::refused;
  switch (*run.state.ended) {
    case How::finished: return Exit::done;
    case How::failed:
    case How::cancelled: return Exit::failed;
    case How::paused_at_gate:
    case How::limit_reached: return Exit::refused;
    case How::interrupted: return Exit::interrupted;
  }
  return Exit::broken;
}

class Watch {
 public:
  Watch(const Context& context)
      : console_(context.console),
        panel_(console_.err().moves_cursor && !console_.quiet()),
        screen_(STDERR_FILENO) {}

  void show(const runs::ChosenRun& run) {
    if (panel_) {
      const auto view = runs::view_from_outside(run, clock_.now());
      panel_ = screen_.draw({}, panel::draw_panel(view, screen_.size(), console_.err().style()))
                   .has_value();
      return;
    }
    states_.resize(run.state.tasks.size(), TaskState::waiting);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const TaskState now = run.state.tasks[i].state;
      if (now == states_[i]) continue;
      states_[i] = now;
      console_.remark(fmt::format("{}  {}", pad(std::string(name_of(now)), 10),
                                  printable(run.plan().tasks[i].id)));
    }
  }

  void finish(const runs::ChosenRun& run, const std::string& last) {
    std::vector<std::string> lines;
    if (run.state.ended && !run.dispatched())
      lines = panel::draw_summary(runs::view_from_outside(run, clock_.now()),
                                  panel_ ? screen_.size() : panel::Size{100, 60},
                                  console_.err().style(), panel_);
    if (!last.empty()) lines.push_back(last);
    if (panel_) {
      // An error means that nobody is there to read it any more.
      static_cast<void>(screen_.finish(lines));
      return;
    }
    for (const std::string& line : lines) console_.insist(line);
  }

 private:
  Console& console_;
  process::SystemClock clock_;
  bool panel_;
  panel::Screen screen_;
  std::vector<TaskState> states_;
};

}  // namespace

Result<Exit> attach_command(const Context& context, const std::string& name) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  const auto id = runs::run_named(**store, context.where, name);
  if (!id) return std::unexpected(id.error());
  auto run = runs::choose_run(**store, *id);
  if (!run) return std::unexpected(run.error());
  if (!(*run)->dispatched() && !(*run)->state.ended)
    return fail(
        Error::Kind::refused,
        fmt::format("nobody dispatches {}: {}", runs::whole_name(**run), runs::state_text(**run)),
        fmt::format("interlock resume {}", *id));
  const process::BlockedSignals blocked;
  Watch watch(context);
  for (;;) {
    watch.show(**run);
    if (!(*run)->dispatched()) break;
    if (!process::sleep_unless_asked_to_end(kLook)) {
      watch.finish(**run, fmt::format("{} goes on without you: `interlock attach {}` looks again, "
                                      "`interlock cancel {}` ends it",
                                      runs::whole_name(**run), *id, *id));
      return Exit::interrupted;
    }
    const auto summary = (*store)->summary(*id);
    if (!summary) return std::unexpected(summary.error());
    if (summary->events == (*run)->state.seq && (*run)->dispatched()) continue;
    auto again = runs::choose_run(**store, *id);
    if (!again) return std::unexpected(again.error());
    run = std::move(again);
  }
  // Its last event may have come after the look before.
  auto over = runs::choose_run(**store, *id);
  if (!over) return std::unexpected(over.error());
  watch.finish(**over, (*over)->state.ended
                           ? std::string()
                           : fmt::format("its dispatcher is gone: interlock resume {}", *id));
  return exit_of(**over);
}

}  // namespace interlock::cli
