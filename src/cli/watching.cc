#include "cli/watching.h"

#include <algorithm>
#include <utility>

#include "cli/keyboard.h"
#include "process/log_file.h"
#include "runs/asking.h"
#include "runs/messages.h"

namespace interlock::cli {
namespace {

using engine::TaskState;

/// A log may be as long as a disk, and one line of it as an answer.
constexpr std::size_t kLastBytes = 256U << 10;
constexpr std::size_t kLineBytesMax = 2000;

}  // namespace

std::vector<std::string> last_lines(const runs::ChosenRun& run, const engine::RunState& state,
                                    const std::string& log_folder, engine::AttemptName name,
                                    std::size_t most) {
  auto reader =
      process::LogReader::open_end(log_folder + "/" + process::log_file_name(name), kLastBytes);
  if (!reader) return {};  // A silent attempt has no log.
  std::vector<process::LogLine> lines = reader->next();
  for (process::LogLine& line : reader->unfinished()) lines.push_back(std::move(line));
  const auto& attempts = state[name.task].attempts;
  const auto messages =
      name.attempt <= attempts.size()
          ? runs::Messages::of(run.plan(), name.task, attempts[name.attempt - 1], name.phase)
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
  if (said.size() > most) said.erase(said.begin(), said.end() - static_cast<std::ptrdiff_t>(most));
  for (std::string& text : said) {
    if (text.size() > kLineBytesMax) text = text.substr(0, kLineBytesMax) + "...";
  }
  return said;
}

panel::KeyTargets Watching::targets(const runs::ChosenRun& run,
                                    const engine::RunState& state) const {
  constexpr std::size_t kDoneMost = 50;
  panel::KeyTargets targets;
  targets.is_paused = state.held;
  targets.is_over = state.ended && state.finished_count == state.tasks.size();
  if (state.review_open) targets.gates.emplace_back();
  std::vector<std::string> failed, done;
  const std::size_t tasks = std::min(state.tasks.size(), run.plan().tasks.size());
  for (std::size_t i = 0; i < tasks; ++i) {
    const TaskId task(i);
    const std::string& id = run.plan()[task].id;
    if (state[task].gate_since) targets.gates.push_back(id);
    if (state[task].attempts.empty()) continue;
    switch (state[task].state) {
      case TaskState::running: targets.logs.push_back(id); break;
      case TaskState::failed: failed.push_back(id); break;
      default:
        if (done.size() < kDoneMost) done.push_back(id);
        break;
    }
  }
  for (auto* more : {&failed, &done})
    targets.logs.insert(targets.logs.end(), more->begin(), more->end());
  return targets;
}

void Watching::ask(const runs::ChosenRun& run, const panel::KeyRequest& request) {
  using Wanted = panel::KeyRequest::Kind;
  using Kind = engine::Request::Kind;
  const Kind kind = request.kind == Wanted::approve  ? Kind::approve
                    : request.kind == Wanted::reject ? Kind::reject
                    : request.kind == Wanted::pause  ? Kind::hold
                                                     : Kind::release;
  if (const auto posted = runs::post(store_, run, kind, request.task); !posted)
    keys_.say(posted.error().message);
  posted_();
}

bool Watching::take_keys(const runs::ChosenRun& run, const engine::RunState& state) {
  using Wanted = panel::KeyRequest::Kind;
  const std::string pressed = Keyboard::pressed();
  if (pressed.empty()) return false;
  const panel::KeyTargets now = targets(run, state);
  for (const char key : pressed) {
    const panel::KeyRequest request = keys_.press(key, now);
    if (request.kind == Wanted::leave) return true;
    if (request.kind != Wanted::nothing) ask(run, request);
  }
  return false;
}

std::vector<std::string> Watching::draw(const runs::ChosenRun& run, const engine::RunState& state,
                                        const engine::RunStatus& view, panel::Size size,
                                        panel::Style style) {
  const panel::KeyTargets now = targets(run, state);
  std::vector<std::string> lines;
  const std::string& shown = keys_.log(now);
  if (const auto task = shown.empty() ? std::nullopt : run.plan().find(shown)) {
    const auto attempt = static_cast<std::uint32_t>(state[*task].attempts.size());
    lines = last_lines(run, state, log_folder_, {*task, attempt, 0}, size.rows);
  }
  return panel::draw_with_keys(view, keys_, now, lines, size, style);
}

}  // namespace interlock::cli
