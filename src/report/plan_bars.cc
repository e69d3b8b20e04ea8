#include "report/plan_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "decide/shown_id.h"
#include "decide/words.h"

namespace interlock::report {
namespace {

constexpr std::size_t kMostBars = 16;
constexpr std::size_t kMostTasksDrawn = 1000;
constexpr std::size_t kSideBySide = 100;
constexpr std::size_t kLabel = 10;  // Room for the elapsed time behind the axis.
constexpr std::size_t kGap = 2;

/// One task's row, as far as it does not depend on the pattern.
struct Row {
  TaskId task;
  std::string name, time, tokens;
};

std::string tokens_of(const decide::Expected& it) {
  const std::string work = it.tokens ? show_count(*it.tokens) : "?";
  const Tokens tax = it.overhead_tokens.value_or(0);
  return tax > 0 ? fmt::format("{} + {}", work, show_count(tax)) : work;
}

std::vector<Row> rows_of(const plan::Plan& plan, const std::vector<decide::Expected>& expected,
                         std::size_t columns, std::size_t most) {
  const std::size_t name_most = std::clamp<std::size_t>(columns / 3, 6, 24);
  std::vector<TaskId> tasks(plan.tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i] = TaskId(i);
  if (tasks.size() > most) {
    std::ranges::stable_sort(tasks, std::ranges::greater(),
                             [&](TaskId task) { return expected[task.index()].time; });
    tasks.resize(most - 1);
    std::ranges::sort(tasks);
  }
  std::vector<Row> rows;
  for (const TaskId task : tasks) {
    const decide::Expected& it = expected[task.index()];
    rows.push_back({task, elide_middle(printable(decide::shown_id(plan, task)), name_most),
                    decide::show_time_taken(it.time), tokens_of(it)});
  }
  return rows;
}

/// One way to run the plan, with where its bars lie.
struct Way {
  std::string heading;
  const decide::Forecast* forecast;
  std::vector<const schedule::Slot*> slots;  ///< By row.
};

std::vector<Way> ways_of(const decide::Decision& decision, const std::vector<Row>& rows) {
  using decide::Pattern;
  const std::array patterns{Pattern::sequential, Pattern::parallel, Pattern::queue};
  const std::array forecasts{&decision.sequential, &decision.parallel, &decision.queue};
  std::vector<Way> ways;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    Way way{heading_of(patterns[i], forecasts[i]->n), forecasts[i], {}};
    for (const Row& row : rows) {
      way.slots.push_back(
          &*std::ranges::find(forecasts[i]->timeline.slots, row.task, &schedule::Slot::task));
    }
    ways.push_back(std::move(way));
  }
  return ways;
}

std::string repeated(std::string_view sign, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += sign;
  return text;
}

class Drawing {
 public:
  Drawing(const std::vector<Row>& rows, const decide::Decision& decision, const PlanScreen& screen)
      : rows_(rows),
        decision_(decision),
        screen_(screen),
        signs_(plan_signs(screen.unicode)),
        ways_(ways_of(decision, rows)) {
    for (const Row& row : rows) {
      name_width_ = std::max(name_width_, display_width(row.name));
      time_width_ = std::max(time_width_, row.time.size());
      tokens_width_ = std::max(tokens_width_, row.tokens.size());
    }
    const bool no_tokens =
        std::ranges::all_of(rows, [](const Row& row) { return row.tokens == "0"; });
    constexpr std::size_t kLeastBar = 16;
    if (no_tokens || left_width() + kLeastBar + kLabel > screen.columns) tokens_width_ = 0;
    longest_ = screen.full ? std::max({decision.sequential.elapsed, decision.parallel.elapsed,
                                       decision.queue.elapsed, Duration(1)})
                           : std::max(decision.chosen().elapsed, Duration(1));
  }

  /// Only the way that is taken.
  std::vector<std::string> draw_chosen() {
    const std::size_t room = screen_.columns - std::min(screen_.columns - 1, left_width());
    bar_width_ = std::clamp<std::size_t>(room - std::min(room, kLabel), 8, 100);
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      if (ways_[i].forecast == &decision_.chosen()) block({i}, true, false);
    }
    return std::move(lines_);
  }

  std::vector<std::string> draw() {
    const std::size_t room = screen_.columns - std::min(screen_.columns - 1, left_width());
    const bool side_by_side = screen_.columns >= kSideBySide;
    const std::size_t each = side_by_side ? (room - 2 * kGap) / 3 : room;
    bar_width_ = std::clamp<std::size_t>(each - std::min(each, kLabel), 8, 100);
    if (side_by_side) {
      block({0, 1, 2}, true);
    } else {
      for (std::size_t i = 0; i < ways_.size(); ++i) {
        if (i > 0) lines_.emplace_back();
        block({i}, i == 0);
      }
    }
    return std::move(lines_);
  }

 private:
  std::size_t left_width() const { return display_width(left("", "", "")); }

  std::string left(std::string_view name, std::string_view time, std::string_view tokens) const {
    const std::string gap(kGap, ' ');
    std::string text = gap + pad(name, name_width_) + gap + pad_left(time, time_width_) + gap;
    return tokens_width_ > 0 ? text + pad(tokens, tokens_width_) + gap : text;
  }

  /// Rows with the bars of the given ways beside each other, headings above and axes below.
  void block(const std::vector<std::size_t>& which, bool with_estimates, bool headed = true) {
    std::string heading = left("", "", "");
    std::string axis = heading;
    for (const std::size_t i : which) {
      heading += cell(head(ways_[i]));
      axis += cell(axis_of(ways_[i]));
    }
    if (headed) add(heading);
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      std::string line = with_estimates ? left(rows_[row].name, rows_[row].time, rows_[row].tokens)
                                        : left(rows_[row].name, "", "");
      for (const std::size_t i : which) line += cell(bar_of(*ways_[i].slots[row]));
      add(line);
    }
    add(axis);
  }

  std::string cell(const std::string& text) const { return pad(text, bar_width_ + kLabel + kGap); }

  void add(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    lines_.push_back(std::move(line));
  }

  std::string head(const Way& way) const {
    return way.forecast == &decision_.chosen() ? fmt::format("{} {}", signs_.chosen, way.heading)
                                               : way.heading;
  }

  std::size_t place(Duration moment) const {
    return static_cast<std::size_t>(
        (moment.count() * static_cast<std::int64_t>(bar_width_) + longest_.count() / 2) /
        longest_.count());
  }

  std::string bar_of(const schedule::Slot& slot) const {
    const std::size_t start = std::min(place(slot.start), bar_width_ - 1);
    const std::size_t end = std::max(place(slot.end), start + 1);
    return std::string(start, ' ') + repeated(signs_.bar, end - start);
  }

  std::string axis_of(const Way& way) const {
    const std::size_t end = std::max<std::size_t>(place(way.forecast->elapsed), 2);
    return fmt::format("{}{}{} {}", signs_.left_end, repeated(signs_.line, end - 2),
                       signs_.right_end, decide::show_time_taken(way.forecast->elapsed));
  }

  const std::vector<Row>& rows_;
  const decide::Decision& decision_;
  const PlanScreen& screen_;
  PlanSigns signs_;
  std::vector<Way> ways_;
  std::size_t name_width_ = 0, time_width_ = 0, tokens_width_ = 0, bar_width_ = 0;
  Duration longest_{};
  std::vector<std::string> lines_;
};

}  // namespace

PlanSigns plan_signs(bool unicode) {
  if (unicode) return {"█", "─", "├", "┤", "▸", "✓", "✗", "·", "•"};
  return {"#", "-", "|", "|", ">", "+", "x", "-", "*"};
}

std::string heading_of(decide::Pattern pattern, std::uint32_t n) {
  switch (pattern) {
    case decide::Pattern::sequential: return "sequential";
    case decide::Pattern::parallel: return fmt::format("parallel, {} at once", n);
    case decide::Pattern::queue: return fmt::format("queue of {}", n);
  }
  return {};
}

std::vector<std::string> draw_bars(const plan::Plan& plan,
                                   const std::vector<decide::Expected>& expected,
                                   const decide::Decision& decision, const PlanScreen& screen) {
  constexpr std::size_t kNarrow = 48;
  if (plan.tasks.empty() || plan.tasks.size() > kMostTasksDrawn || screen.columns < kNarrow)
    return {};
  const std::vector<Row> rows = rows_of(plan, expected, screen.columns, kMostBars);
  std::vector<std::string> lines = Drawing(rows, decision, screen).draw();
  if (rows.size() < plan.tasks.size()) {
    lines.push_back(fmt::format("  the {} longest tasks, and {} more", rows.size(),
                                plan.tasks.size() - rows.size()));
  }
  return lines;
}

std::vector<std::string> draw_chosen_bars(const plan::Plan& plan,
                                          const std::vector<decide::Expected>& expected,
                                          const decide::Decision& decision,
                                          const PlanScreen& screen, std::size_t most) {
  constexpr std::size_t kAround = 2;  // The axis and a blank line; and one that counts the rest.
  constexpr std::size_t kLeast = 2;
  constexpr std::size_t kNarrow = 40;
  const std::size_t all = plan.tasks.size();
  const std::size_t around = all + kAround <= most ? kAround : kAround + 1;
  if (all == 0 || all > kMostTasksDrawn || screen.columns < kNarrow ||
      most < around + std::min(kLeast, all))
    return {};
  // Of what is not all, `rows_of` leaves one out for the line that counts the rest.
  const std::size_t drawn = most - around + (around > kAround ? 1 : 0);
  const std::vector<Row> rows = rows_of(plan, expected, screen.columns, drawn);
  std::vector<std::string> lines = Drawing(rows, decision, screen).draw_chosen();
  if (rows.size() < all)
    lines.push_back(
        fmt::format("  the {} longest tasks, and {} more", rows.size(), all - rows.size()));
  return lines;
}

}  // namespace interlock::report
