#include "cli/attach.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "panel/summary.h"
#include "process/blocked_signals.h"
#include "process/clock.h"
#include "runs/asking.h"
#include "runs/opened_run.h"

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

/// Lines, where there is no terminal to draw on.
class Lines {
 public:
  explicit Lines(Console& console) : console_(console) {}

  void show(const runs::ChosenRun& run) {
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
    process::SystemClock clock;
    if (run.state.ended && !run.dispatched())
      lines = panel::draw_summary(runs::view_from_outside(run, clock.now()), {100, 60},
                                  console_.err().style(), false);
    if (!last.empty()) lines.push_back(last);
    for (const std::string& line : lines) console_.insist(line);
  }

 private:
  Console& console_;
  std::vector<TaskState> states_;
};

}  // namespace

Result<Exit> attach_command(const Context& context, const std::string& name) {
  auto opened = runs::open_run(context.place(), context.where, name);
  if (!opened) return std::unexpected(opened.error());
  auto& [store, run] = *opened;
  const std::string id = run->id();
  if (!run->dispatched() && !run->state.ended)
    return fail(
        Error::Kind::refused,
        fmt::format("nobody dispatches {}: {}", runs::whole_name(*run), runs::state_text(*run)),
        fmt::format("interlock resume {}", id));
  if (context.console.err().moves_cursor && !context.console.quiet()) {
    const auto shown = follow_command(context, id);
    if (!shown || *shown != Exit::done) return shown;
    const auto now = runs::choose_run(*store, id);
    if (!now) return std::unexpected(now.error());
    return (*now)->dispatched() ? Exit::done : exit_of(**now);  // The person may have left it.
  }
  const process::BlockedSignals blocked;
  Lines watch(context.console);
  for (;;) {
    watch.show(*run);
    if (!run->dispatched()) break;
    if (!process::sleep_unless_asked_to_end(kLook)) {
      watch.finish(*run, fmt::format("{} goes on without you: `interlock attach {}` looks again, "
                                     "`interlock cancel {}` ends it",
                                     runs::whole_name(*run), id, id));
      return Exit::interrupted;
    }
    const auto summary = store->summary(id);
    if (!summary) return std::unexpected(summary.error());
    if (summary->events == run->state.seq && run->dispatched()) continue;
    auto again = runs::read_on(*store, std::move(run));
    if (!again) return std::unexpected(again.error());
    run = std::move(*again);
  }
  // Its last event may have come after the look before.
  auto over = runs::choose_run(*store, id);
  if (!over) return std::unexpected(over.error());
  watch.finish(**over, (*over)->state.ended
                           ? std::string()
                           : fmt::format("its dispatcher is gone: interlock resume {}", id));
  return exit_of(**over);
}

}  // namespace interlock::cli
