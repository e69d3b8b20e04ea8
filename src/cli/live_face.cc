#include "cli/live_face.h"

#include "engine/engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "panel/panel.h"
#include "panel/summary.h"
#include "process/log_file.h"
#include "runs/messages.h"

namespace interlock::cli {

namespace {

constexpr Duration kFrame = std::chrono::milliseconds(100);
constexpr std::size_t kLastLines = 8;
/// A log may be as long as a disk, and one line of it as an answer.
constexpr std::size_t kLastBytes = 256U << 10;
constexpr std::size_t kLineBytesMax = 2000;

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

LiveFace::LiveFace(const runs::ChosenRun& run, std::string log_folder, Face face, Console& console,
                   Notifier* notifier)
    : run_(run),
      log_folder_(std::move(log_folder)),
      console_(console),
      notifier_(notifier),
      panel_(wants_panel(face, console)),
      screen_(STDERR_FILENO),
      lines_(console.quiet() ? panel::LineFace::Verbosity::failures
                             : panel::LineFace::Verbosity::everything,
             console.err().unicode) {
  if (panel_) next_frame_ = Time{};
  if (notifier_ != nullptr) notifier_->notify("begun", run.id(), run.head.plan_name, "", "");
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
           one.kind != engine::Notice::Kind::conflicting;
  });
  const std::vector<std::string> permanent = lines_of(engine.run(), std::move(notices));
  if (permanent.empty() && now < *next_frame_) return;
  const auto drawn = screen_.draw(
      permanent, panel::draw_panel(engine.view(), screen_.size(), console_.err().style()));
  next_frame_ = drawn ? std::optional(now + kFrame) : std::nullopt;
  if (!drawn) panel_ = false;  // The terminal is gone; the run is not.
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
  auto reader = process::LogReader::open_end(
      log_folder_ + "/" + process::log_file_name({*id, notice.attempt, notice.phase}), kLastBytes);
  if (!reader) return;  // A silent attempt has no log.
  std::vector<process::LogLine> lines = reader->next();
  for (process::LogLine& line : reader->unfinished()) lines.push_back(std::move(line));
  const auto& attempts = state[*id].attempts;
  const auto messages =
      notice.attempt <= attempts.size()
          ? runs::Messages::of(run_.plan(), *id, attempts[notice.attempt - 1], notice.phase)
          : nullptr;
  std::vector<std::string> said;
  bool is_half = reader->is_cut();
  for (process::LogLine& line : lines) {
    if (messages && line.stream == process::Stream::output) {
      if (std::exchange(is_half, false)) continue;  // It is no message without its beginning.
      for (std::string& text : messages->line(line.text)) said.push_back(std::move(text));
    } else {
      said.push_back(std::move(line.text));
    }
  }
  if (messages) {
    for (std::string& text : messages->rest()) said.push_back(std::move(text));
  }
  const std::size_t from = said.size() > kLastLines ? said.size() - kLastLines : 0;
  for (std::size_t at = from; at < said.size(); ++at) {
    const bool is_long = said[at].size() > kLineBytesMax;
    notice.output.push_back(is_long ? said[at].substr(0, kLineBytesMax) + "..." : said[at]);
  }
}

Result<Exit> dispatch_and_show(journal::Store& store, const std::string& state_folder,
                               runs::ChosenRun& run, Face face, Console& console,
                               const std::function<Result<void>()>& begun, Notifier* notifier) {
  LiveFace shown(run, runs::log_folder(state_folder, run.id()), face, console, notifier);
  const auto how = runs::dispatch(store, state_folder, run, shown, begun);
  if (!how) return std::unexpected(how.error());
  return exit_for(*how);
}

}  // namespace interlock::cli
