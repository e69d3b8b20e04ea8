#include "cli/live_face.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "cli/detached.h"
#include "cli/keyboard.h"
#include "engine/engine.h"
#include "panel/panel.h"
#include "panel/summary.h"

namespace interlock::cli {

namespace {

constexpr Duration kFrame = std::chrono::milliseconds(100);
constexpr std::size_t kLastLines = 8;

bool wants_panel(Face face, const Console& console) {
  if (face == Face::automatic) return console.err().moves_cursor && !console.quiet();
  return face == Face::panel;
}

Exit exit_for(engine::RunEnded::How how) {
  switch (how) {
    case engine::RunEnded::How::finished: return Exit::done;
    case engine::RunEnded::How::failed:
    case engine::RunEnded::How::cancelled: return Exit::failed;
    case engine::RunEnded::How::paused_at_gate: return Exit::refused;
    case engine::RunEnded::How::limit_reached: return Exit::refused;
    case engine::RunEnded::How::interrupted: return Exit::interrupted;
  }
  return Exit::broken;
}

}  // namespace

LiveFace::LiveFace(journal::Store& store, const runs::ChosenRun& run, const std::string& log_folder,
                   Face face, Console& console, Audience audience)
    : run_(run),
      log_folder_(log_folder),
      console_(console),
      notifier_(audience.notifier),
      way_out_(audience.way_out),
      panel_(wants_panel(face, console)),
      screen_(STDERR_FILENO),
      lines_(console.quiet() ? panel::LineFace::Verbosity::failures
                             : panel::LineFace::Verbosity::everything,
             console.err().unicode) {
  if (panel_) next_frame_ = Time{};
  if (panel_ && way_out_ != nullptr)
    watching_.emplace(store, log_folder, [] { ::kill(::getpid(), SIGUSR1); });
  if (panel_ && console.err().shows_progress) tab_.emplace();
  if (notifier_ == nullptr) return;
  notifier_->notify("begun", run.id(), run.head.plan_name, "", "");
  for (const std::string& warning : run.planned.window_warnings)
    notifier_->notify("window", run.id(), run.head.plan_name, "",
                      fmt::format("{}: {}", run.head.plan_name, warning));
}

LiveFace::~LiveFace() {
  if (tab_) static_cast<void>(screen_.send(tab_->end()));
}

/// What a person has to know of while the run goes on. Of a failure only that it was one: what was
/// said there may be anything.
void LiveFace::call(const engine::Notice& notice) const {
  using Kind = engine::Notice::Kind;
  const std::string& plan = run_.head.plan_name;
  const auto say = [&](const char* kind, const std::string& text) {
    notifier_->notify(kind, run_.id(), plan, notice.task, text);
  };
  if (notice.kind == Kind::gate)
    say("gate", fmt::format("{}: {} waits for a person: interlock approve {}{}{}", plan,
                            notice.task.empty() ? "a review" : "`" + notice.task + "`", run_.id(),
                            notice.task.empty() ? "" : " ", notice.task));
  if (notice.kind == Kind::failed)
    say("failed", fmt::format("{}: `{}` failed: interlock why {} {}", plan, notice.task, run_.id(),
                              notice.task));
  if (notice.kind == Kind::warning) say("window", fmt::format("{}: {}", plan, notice.text));
  if (notice.kind == Kind::stopping)
    say("stopping", fmt::format("{}: run {} stops: interlock show {}", plan, run_.id(), run_.id()));
}

void LiveFace::update(engine::Engine& engine, Time now) {
  std::vector<engine::Notice> notices = engine.take_notices();
  if (notifier_ != nullptr) std::ranges::for_each(notices, [&](const auto& one) { call(one); });
  if (!panel_) {
    for (const std::string& line : lines_of(engine.run(), std::move(notices)))
      console_.insist(line);
    return;
  }
  // On a panel only what a person may have to look at later is printed for good.
  std::erase_if(notices, [](const engine::Notice& one) {
    return one.kind != engine::Notice::Kind::failed && one.kind != engine::Notice::Kind::retrying &&
           one.kind != engine::Notice::Kind::correcting &&
           one.kind != engine::Notice::Kind::conflicting &&
           one.kind != engine::Notice::Kind::warning;
  });
  const std::vector<std::string> permanent = lines_of(engine.run(), std::move(notices));
  if (watching_ && Keyboard::was_stopped()) screen_.begin_anew();
  if (watching_ && watching_->take_keys(run_, engine.run())) {
    for (const std::string& line : permanent) console_.insist(line);
    return leave();
  }
  if (permanent.empty() && now < *next_frame_) return;
  draw(engine, permanent, now);
}

void LiveFace::draw(engine::Engine& engine, const std::vector<std::string>& permanent, Time now) {
  const panel::Style style = console_.err().style();
  const engine::RunStatus& view = engine.view();
  if (way_out_ != nullptr && !view.stopping.empty()) way_out_->report_ending();
  const auto drawn = screen_.draw(
      permanent, watching_ ? watching_->draw(run_, engine.run(), view, screen_.size(), style)
                           : panel::draw_panel(view, screen_.size(), style));
  if (tab_ && drawn) static_cast<void>(screen_.send(tab_->update(view)));
  next_frame_ = drawn ? std::optional(now + kFrame) : std::nullopt;
  if (!drawn) panel_ = false;  // The terminal is gone; the run is not.
}

/// From now on this run is told in its log, as one that was detached from the beginning.
void LiveFace::leave() {
  if (tab_) static_cast<void>(screen_.send(tab_->end()));
  static_cast<void>(screen_.finish({}));
  watching_.reset();
  tab_.reset();
  panel_ = false;
  next_frame_.reset();
  // Where there can be no log, what is said has nowhere to go; the run is worth more.
  if (auto left = way_out_->begin(run_); !left) console_.complain(left.error());
}

void LiveFace::finish(const engine::RunStatus& view) {
  constexpr Duration kWorthACall = std::chrono::minutes(1);
  if (notifier_ != nullptr && view.ended && view.elapsed >= kWorthACall)
    notifier_->notify("ended", run_.id(), run_.head.plan_name, "",
                      fmt::format("{}: {} after {}: {} of {} tasks done", run_.head.plan_name,
                                  runs::ended_text(*view.ended), show_duration(view.elapsed),
                                  view.done, view.total));
  if (notifier_ != nullptr) notifier_->done();
  const panel::Size size = panel_ ? screen_.size() : panel::Size{100, 60};
  const std::vector<std::string> lines =
      panel::draw_summary(view, size, console_.err().style(), panel_);
  if (panel_) {
    // An error means that nobody is there to read it any more.
    static_cast<void>(screen_.finish(lines));
    return;
  }
  for (const std::string& line : lines) console_.insist(line);
}

std::vector<std::string> LiveFace::lines_of(const engine::RunState& state,
                                            std::vector<engine::Notice> notices) {
  std::vector<std::string> result;
  for (engine::Notice& notice : notices) {
    if (notice.kind == engine::Notice::Kind::failed ||
        notice.kind == engine::Notice::Kind::retrying)
      add_last_output(state, notice);
    if (notice.kind == engine::Notice::Kind::gate)
      notice.text += fmt::format(": interlock approve {}{}{}", run_.id(),
                                 notice.task.empty() ? "" : " ", notice.task);
    const auto lines = lines_.lines_of(notice);
    result.insert(result.end(), lines.begin(), lines.end());
  }
  return result;
}

void LiveFace::add_last_output(const engine::RunState& state, engine::Notice& notice) const {
  const auto id = run_.plan().find(notice.task);
  if (!id || !notice.attempt) return;
  notice.output =
      last_lines(run_, state, log_folder_, {*id, notice.attempt, notice.phase}, kLastLines);
}

Result<Exit> dispatch_and_show(journal::Store& store, const std::string& state_folder,
                               runs::ChosenRun& run, Face face, Console& console,
                               const std::function<Result<void>()>& begun, Audience audience) {
  LiveFace shown(store, run, runs::log_folder(state_folder, run.id()), face, console, audience);
  const auto how = runs::dispatch(store, state_folder, run, shown, begun);
  if (!how) return std::unexpected(how.error());
  return exit_for(*how);
}

}  // namespace interlock::cli
