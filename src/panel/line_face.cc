#include "panel/line_face.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "base/units.h"
#include "panel/line.h"

namespace interlock::panel {
namespace {

using Kind = engine::Notice::Kind;

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::started: return "started";
    case Kind::done: return "done";
    case Kind::reused: return "reused";
    case Kind::failed: return "failed";
    case Kind::retrying: return "retrying";
    case Kind::correcting: return "correcting";
    case Kind::conflicting: return "conflict";
    case Kind::ready: return "ready";
    case Kind::joined: return "joined";
    case Kind::picked: return "picked";
    case Kind::skipped: return "skipped";
    case Kind::cancelled: return "cancelled";
    case Kind::gate: return "gate";
    case Kind::merged: return "merged";
    case Kind::added: return "added";
    case Kind::paused: return "changed";
    case Kind::warning: return "warning";
    case Kind::stopping: return "stopping";
  }
  return "";
}

/// Also when only failures are told, a gate is: the run would stand still without a word. And so is
/// what a person could still do something about before it stands still.
bool is_shown_when_quiet(Kind kind) {
  return kind == Kind::failed || kind == Kind::gate || kind == Kind::stopping ||
         kind == Kind::warning;
}

}  // namespace

std::vector<std::string> LineFace::lines_of(const engine::Notice& notice) {
  constexpr std::size_t kWordColumns = 10;
  constexpr std::size_t kIdColumnsMax = 40;
  constexpr std::size_t kGap = 2;
  constexpr std::size_t kOutputIndent = 12;
  if (verbosity_ == Verbosity::failures && !is_shown_when_quiet(notice.kind)) return {};
  const std::string id = showable(notice.task, style_);
  id_columns_ = std::clamp(display_width(id), id_columns_, kIdColumnsMax);

  Line line(std::string::npos, style_);
  line.add(fmt::format("[{:6.1f}s]", to_seconds(notice.at))).gap(1);
  line.add_column(word_of(notice.kind), kWordColumns).gap(kGap);
  line.add(id).gap(id_columns_ - std::min(id_columns_, display_width(id)) + kGap);
  if (notice.elapsed) line.add(show_duration(*notice.elapsed)).gap(kGap);
  std::vector<std::string> lines{line.add(notice.text).text()};
  for (const std::string& said : notice.output) {
    lines.push_back(Line(std::string::npos, style_).gap(kOutputIndent).add("| ").add(said).text());
  }
  return lines;
}

}  // namespace interlock::panel
