#include "panel/panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "panel/bar.h"
#include "panel/line.h"

namespace interlock::panel {
namespace {

using engine::AttemptStarted;
using engine::RunStatus;
using engine::TaskState;
using engine::TaskStatus;

/// Below this width there is room for a name and an event, not for two events.
constexpr std::size_t kNarrow = 50;
/// From this width on a task has a bar: how much of the time it is expected to take is over.
constexpr std::size_t kBars = 60, kWide = 80;
constexpr std::size_t kGap = 2;
/// Silence worth a remark when the task has no idle limit; with one, half of it.
constexpr Duration kLongSilence = std::chrono::seconds(30);

/// Tasks of one kind, and how many rows of the panel they get.
struct Section {
  std::string_view name;
  std::size_t most_rows;
  std::vector<const TaskStatus*> tasks{};  ///< Those the view knows; the run may have more.
  std::size_t count = 0;                   ///< In the whole run.
  std::size_t rows = 0;

  std::size_t wanted() const {
    const bool hides_some = count > tasks.size();
    return std::min(tasks.size() + (hides_some ? 1 : 0), most_rows);
  }
};

struct Sections {
  Section running{"running", 24};
  Section failed{"failed", 8};
  Section waiting{"waiting", 6};
  Section done{"done", 12};  ///< Stays while there is room.
};

Sections sections_of(const RunStatus& run) {
  Sections sections;
  for (const TaskStatus& task : run.tasks) {
    switch (task.state) {
      case TaskState::running:
      case TaskState::reviewing: sections.running.tasks.push_back(&task); break;
      case TaskState::failed: sections.failed.tasks.push_back(&task); break;
      case TaskState::committing:
      case TaskState::waiting: sections.waiting.tasks.push_back(&task); break;
      case TaskState::done: sections.done.tasks.push_back(&task); break;
      case TaskState::skipped:
      case TaskState::cancelled: break;
    }
  }
  // What a big run does not tell of is no row.
  sections.done.count =
      sections.done.tasks.empty() ? 0 : std::max<std::size_t>(sections.done.tasks.size(), run.done);
  // The oldest are what everything else waits for.
  std::ranges::stable_sort(sections.running.tasks, std::greater<>(), &TaskStatus::running_for);
  sections.running.count =
      std::max<std::size_t>(sections.running.tasks.size(), run.running + run.reviewing);
  sections.failed.count = std::max<std::size_t>(sections.failed.tasks.size(), run.failed);
  sections.waiting.count =
      std::max<std::size_t>(sections.waiting.tasks.size(), run.waiting + run.committing);
  return sections;
}

/// Deals `rows` out one by one, so that no kind of task pushes another off the panel.
void share_rows(Sections& sections, std::size_t rows) {
  const std::array<Section*, 3> in_turn{&sections.running, &sections.failed, &sections.waiting};
  for (bool dealt = true; dealt;) {
    dealt = false;
    for (Section* section : in_turn) {
      if (rows == 0 || section->rows == section->wanted()) continue;
      ++section->rows;
      --rows;
      dealt = true;
    }
  }
  sections.done.rows = std::min(rows, sections.done.wanted());
}

bool is_long_silent(const TaskStatus& task) {
  const Duration limit = task.idle_limit ? *task.idle_limit / 2 : kLongSilence;
  return task.silent_for && *task.silent_for >= limit;
}

std::string age_of(const TaskStatus& task, std::size_t columns) {
  std::string age = show_duration(task.running_for.value_or(Duration{}));
  if (columns < kNarrow || task.expected <= Duration{}) return age;
  return fmt::format("{} of {}", age, show_duration(task.expected));
}

std::string_view name_of_cause(const TaskStatus& task) {
  switch (task.because) {
    case AttemptStarted::Trigger::first: return "";
    case AttemptStarted::Trigger::retry: return "retry";
    case AttemptStarted::Trigger::correction: return "correction";
    case AttemptStarted::Trigger::again: return "again";
    case AttemptStarted::Trigger::conflict: return "conflict";
    case AttemptStarted::Trigger::repair: return "repair";
    case AttemptStarted::Trigger::tries: return "";
  }
  return "";
}

/// Draws rows of tasks that share their columns.
class Rows {
 public:
  Rows(Size size, Style style, const Sections& sections)
      : size_(size), style_(style), signs_(signs_of(style)) {
    for (const Section* section :
         {&sections.running, &sections.failed, &sections.waiting, &sections.done}) {
      for (std::size_t i = 0; i < std::min(section->rows, section->tasks.size()); ++i)
        measure(*section->tasks[i]);
    }
    id_columns_ = std::min(id_columns_, std::max<std::size_t>(8, size.columns / 3));
  }

  template <typename DrawTask>
  void draw(const Section& section, DrawTask draw_task, std::vector<std::string>& lines) const {
    const std::size_t shown_all = std::min(section.rows, section.tasks.size());
    // The last row says how many are left out, unless it is the only one: then a task tells more.
    const bool says_more = section.count > shown_all && section.rows > 1;
    const std::size_t shown = says_more ? section.rows - 1 : shown_all;
    for (std::size_t i = 0; i < shown; ++i) lines.push_back(draw_task(*section.tasks[i]).text());
    if (says_more) {
      Line more = line();
      more.add(fmt::format("+ {} more {}", section.count - shown, section.name), Ink::faint);
      lines.push_back(more.text());
    }
  }

  Line running(const TaskStatus& task) const {
    Line row = line();
    const bool reviewing = task.state == TaskState::reviewing;
    row.add(reviewing ? signs_.reviewing : signs_.running, reviewing ? Ink::ask : Ink::busy).gap(1);
    row.add_column(task.id, id_columns_).gap(kGap);
    if (reviewing) {
      row.add(task.waits_for, Ink::ask);
      return row;
    }
    if (has_bars_) add_bar(row, task);
    row.add_column(age_of(task, size_.columns), age_columns_).gap(kGap);
    if (const auto cause = name_of_cause(task); !cause.empty()) row.add(cause, Ink::ask).gap(kGap);
    if (is_long_silent(task) && task.call_waits.empty())
      row.add(silence_of(task), Ink::ask).gap(kGap);
    if (task.call_waits.empty()) {
      row.add(task.last_line, Ink::faint);
    } else {
      row.add(task.call_waits, Ink::ask);
    }
    return row;
  }

  Line waiting(const TaskStatus& task) const {
    Line row = line();
    row.add(signs_.waiting, Ink::faint).gap(1);
    row.add_column(task.id, id_columns_).gap(kGap).add(task.waits_for, Ink::faint);
    return row;
  }

  Line done(const TaskStatus& task) const {
    Line row = line();
    row.add(signs_.done, Ink::good).gap(1);
    row.add_column(task.id, id_columns_).gap(kGap);
    if (has_bars_) add_cells(row, bar_cells(), bar_cells(), Ink::good);
    return row.add(task.reused    ? "reused"
                   : task.elapsed ? show_duration(*task.elapsed)
                                  : std::string(),
                   Ink::faint);
  }

  Line failed(const TaskStatus& task) const {
    Line row = line();
    row.add(signs_.failed, Ink::bad).gap(1);
    row.add_column(task.id, id_columns_).gap(kGap).add(task.detail, Ink::bad);
    return row;
  }

 private:
  Line line() const { return Line(size_.columns, style_).gap(size_.columns < kNarrow ? 0 : kGap); }

  void measure(const TaskStatus& task) {
    has_bars_ |= size_.columns >= kBars && task.expected > Duration{};
    id_columns_ = std::max(id_columns_, display_width(showable(task.id, style_)));
    if (task.state == TaskState::running)
      age_columns_ = std::max(age_columns_, age_of(task, size_.columns).size());
  }

  std::size_t bar_cells() const { return size_.columns < kWide ? 6 : 10; }

  void add_cells(Line& row, std::size_t full, std::size_t cells, Ink ink) const {
    std::string over, rest;
    for (std::size_t i = 0; i < cells; ++i)
      (i < full ? over : rest) += i < full ? signs_.cell_done : signs_.cell_waiting;
    row.add(over, ink).add(rest, Ink::faint).gap(kGap);
  }

  /// Full only where it takes longer than it was expected to. Nobody knows of one without a
  /// forecast.
  void add_bar(Line& row, const TaskStatus& task) const {
    const std::size_t cells = bar_cells();
    if (task.expected <= Duration{}) return add_cells(row, 0, cells, Ink::busy);
    const double part =
        to_seconds(task.running_for.value_or(Duration{})) / to_seconds(task.expected);
    const auto full =
        static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(cells));
    add_cells(row, full, cells, part > 1 ? Ink::ask : Ink::busy);
  }

  static std::string silence_of(const TaskStatus& task) {
    const std::string silence = fmt::format("silent {}", show_duration(*task.silent_for));
    return task.idle_limit ? fmt::format("{} of {}", silence, show_duration(*task.idle_limit))
                           : silence;
  }

  Size size_;
  Style style_;
  const Signs& signs_;
  std::size_t id_columns_ = 0;
  std::size_t age_columns_ = 0;
  bool has_bars_ = false;  ///< There is room, and a forecast of any of them.
};

std::string spent(const RunStatus& run, Style style) {
  if (!run.tokens && !run.cost) return {};
  const std::string unknown(signs_of(style).unknown);
  return fmt::format("{} tokens  {}", run.tokens ? show_count(*run.tokens) : unknown,
                     run.cost ? show_usd(*run.cost) : unknown);
}

std::string time_of(const RunStatus& run) {
  std::string elapsed = show_duration(run.elapsed);
  if (!run.remaining) return elapsed;
  return fmt::format("{}, about {} left", elapsed, show_duration(*run.remaining));
}

/// Name and time are always there; what there is no room for beside them is left out.
std::string draw_title(const RunStatus& run, Size size, Style style) {
  const std::string time = size.columns >= kNarrow ? time_of(run) : show_duration(run.elapsed);
  Line title(size.columns, style);
  title.add_column(run.plan_name, std::min(display_width(run.plan_name), size.columns / 2),
                   Ink::strong);
  const auto add_if_room = [&](const std::string& text, Ink ink) {
    const std::size_t wanted = kGap + display_width(showable(text, style)) + kGap + time.size();
    if (!text.empty() && title.columns_left() >= wanted) title.gap(kGap).add(text, ink);
  };
  add_if_room(run.pattern, Ink::plain);
  add_if_room(run.run, Ink::faint);
  add_if_room(spent(run, style), Ink::plain);
  title.add_right(time);
  return title.text();
}

/// What a person should know or do, each with the exact command: wrapped, never cut.
std::vector<std::string> draw_asks(const RunStatus& run, Size size, Style style) {
  std::vector<std::string> lines;
  for (const std::string& ask :
       {run.attention, run.stopping.empty() ? "" : "stopping: " + run.stopping}) {
    const std::size_t indent = kGap;
    bool first = true;
    for (const std::string& text :
         wrap_words(ask, size.columns - std::min(size.columns, indent), style)) {
      Line line(size.columns, style);
      if (std::exchange(first, false)) {
        line.add(signs_of(style).ask, Ink::ask).gap(indent - 1);
      } else {
        line.gap(indent);
      }
      lines.push_back(line.add(text, Ink::ask).text());
    }
  }
  return lines;
}

}  // namespace

std::vector<std::string> draw_panel(const RunStatus& run, Size size, Style style) {
  constexpr std::size_t kRowsForTitle = 5;
  std::vector<std::string> lines;
  if (size.rows >= kRowsForTitle) lines.push_back(draw_title(run, size, style));
  for (std::string& line : draw_progress(run, size, style)) lines.push_back(std::move(line));
  const std::vector<std::string> asks = draw_asks(run, size, style);

  const std::size_t taken = lines.size() + asks.size();
  Sections sections = sections_of(run);
  share_rows(sections, size.rows - std::min(size.rows, taken));
  const Rows rows(size, style, sections);
  rows.draw(sections.done, [&](const TaskStatus& task) { return rows.done(task); }, lines);
  rows.draw(sections.failed, [&](const TaskStatus& task) { return rows.failed(task); }, lines);
  rows.draw(sections.running, [&](const TaskStatus& task) { return rows.running(task); }, lines);
  rows.draw(sections.waiting, [&](const TaskStatus& task) { return rows.waiting(task); }, lines);

  lines.insert(lines.end(), asks.begin(), asks.end());
  if (lines.size() > size.rows) lines.resize(size.rows);
  return lines;
}

}  // namespace interlock::panel
