#include "report/breakeven_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "decide/words.h"
#include "report/plan_bars.h"

namespace interlock::report {
namespace {

using decide::Breakeven;
using decide::Range;
using decide::SweepPoint;

Duration takes(const Range& range) { return range.mean + range.join; }

std::string from(std::optional<std::uint32_t> tasks) {
  return tasks ? fmt::format("{}", *tasks) : "never";
}

using Row = std::vector<std::string>;

/// Right-aligned columns but for the first; those the screen has no room for are left out.
std::string table_of(const std::vector<Row>& rows, const PlanScreen& screen) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = "  " + pad(row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) {
      if (display_width(line) + 2 + widths[i] > screen.columns) break;
      line += "  " + pad_left(row[i], widths[i]);
    }
    text += elide_end(line, screen.columns) + "\n";
  }
  return text;
}

std::string points_table(const Breakeven& it, const PlanScreen& screen) {
  const auto show = [](const Range& range) {
    return std::array{decide::show_time_taken(takes(range)),
                      decide::show_time_taken(range.p90 + range.join)};
  };
  std::vector<Row> rows{
      {"tasks", "one by one", "queue of", "queue", "9 in 10", "all at once", "9 in 10"}};
  for (const SweepPoint& point : it.crossings.points) {
    const auto queue = show(point.queue), all = show(point.at_once);
    const bool none = point.queue_of < 2;
    rows.push_back({fmt::format("{}", point.tasks),
                    decide::show_time_taken(takes(point.sequential)),
                    none ? "-" : fmt::format("{}", point.queue_of), none ? "-" : queue[0],
                    none ? "-" : queue[1], all[0], all[1]});
  }
  return table_of(rows, screen);
}

/// A bar for each way of each number of tasks.
std::string chart(const Breakeven& it, const PlanScreen& screen) {
  const PlanSigns signs = plan_signs(screen.unicode);
  Duration most(1);
  for (const SweepPoint& point : it.crossings.points)
    most = std::max({most, takes(point.sequential), takes(point.at_once)});
  const std::size_t room = std::max<std::size_t>(screen.columns, 40) - 30;
  const auto bar = [&](std::string_view label, Duration time) {
    const auto width = std::max<std::size_t>(
        static_cast<std::size_t>(time.count() * static_cast<std::int64_t>(room) / most.count()), 1);
    std::string text;
    for (std::size_t i = 0; i < width; ++i) text += signs.bar;
    return fmt::format("  {} {} {}\n", pad(label, 14), text, decide::show_time_taken(time));
  };
  std::string text;
  for (const SweepPoint& point : it.crossings.points) {
    // Some are enough to see the course.
    if (point.tasks != 2 && point.tasks % 4 != 0) continue;
    text += bar(fmt::format("{:2} one by one", point.tasks), takes(point.sequential));
    if (point.queue_of > 1)
      text += bar(fmt::format("   queue of {}", point.queue_of), takes(point.queue));
    text += bar("   all at once", takes(point.at_once));
  }
  return text;
}

std::string sensitivity_table(const Breakeven& it, const PlanScreen& screen) {
  std::vector<Row> rows{{"if", "pays from", "queue from", "20 tasks take"}};
  rows.push_back({"as it is", from(it.crossings.pays_from), from(it.crossings.queue_from),
                  decide::show_time_taken(it.crossings.points.back().least())});
  for (const decide::Sensitivity& one : it.sensitivities) {
    const auto& to = one.crossings;
    rows.push_back(
        {fmt::format("{}: {}", one.assumption, one.value), from(to.pays_from),
         to.queue_from ? fmt::format("{} (of {})", *to.queue_from, to.queue_of) : "never",
         decide::show_time_taken(to.points.back().least())});
  }
  return table_of(rows, screen);
}

json::value count(std::optional<std::uint32_t> value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value range_json(const Range& range) {
  return {{"mean_s", to_seconds(takes(range))},
          {"p50_s", to_seconds(range.p50 + range.join)},
          {"p90_s", to_seconds(range.p90 + range.join)}};
}

json::value crossings_json(const decide::Crossings& it, bool with_points) {
  json::object made{{"pays_from", count(it.pays_from)},
                    {"queue_from", count(it.queue_from)},
                    {"queue_of", it.queue_from ? json::value(it.queue_of) : json::value(nullptr)}};
  if (!with_points) return made;
  json::array points;
  for (const SweepPoint& point : it.points) {
    points.push_back(
        {{"tasks", point.tasks},
         {"sequential", range_json(point.sequential)},
         {"queue_of", point.queue_of > 1 ? json::value(point.queue_of) : json::value(nullptr)},
         {"queue", point.queue_of > 1 ? range_json(point.queue) : json::value(nullptr)},
         {"at_once", range_json(point.at_once)}});
  }
  made["points"] = std::move(points);
  return made;
}

std::string escaped(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '<': made += "&lt;"; break;
      case '>': made += "&gt;"; break;
      case '&': made += "&amp;"; break;
      default: made += c;
    }
  }
  return made;
}

}  // namespace

std::string render_breakeven(const Breakeven& it, const PlanScreen& screen) {
  std::string text;
  std::string row;
  std::string_view rest = it.sentence;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (!row.empty() &&
        display_width(row) + 1 + display_width(rest.substr(0, end)) > screen.columns)
      text += std::exchange(row, "") + "\n";
    row += (row.empty() ? "" : " ") + std::string(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  text += row + "\n\n";
  text += points_table(it, screen) + "\n";
  text += chart(it, screen) + "\n";
  text += "What moves the answer most\n" + sensitivity_table(it, screen);
  return text;
}

json::value breakeven_json(const Breakeven& it) {
  json::array sensitivities, missing;
  for (const decide::Sensitivity& one : it.sensitivities) {
    json::object made = crossings_json(one.crossings, false).get_object();
    made["assumption"] = one.assumption;
    made["value"] = one.value;
    made["time_factor"] = one.factor;
    sensitivities.push_back(std::move(made));
  }
  for (const std::string& one : it.not_measured) missing.emplace_back(one);
  json::object made = crossings_json(it.crossings, true).get_object();
  made["version"] = 1;
  made["sentence"] = it.sentence;
  made["like"] = it.like;
  made["task_s"] = to_seconds(it.expected.time);
  made["time_from"] = name_of(it.expected.time_from);
  made["join_s"] = to_seconds(it.join);
  made["not_measured"] = std::move(missing);
  made["sensitivity"] = std::move(sensitivities);
  return made;
}

std::string breakeven_svg(const Breakeven& it) {
  constexpr double kWidth = 640, kHeight = 360, kLeft = 70, kBottom = 40, kTop = 60;
  double most = 1;
  for (const SweepPoint& point : it.crossings.points)
    most = std::max({most, to_seconds(takes(point.sequential)), to_seconds(takes(point.at_once))});
  const double last = it.crossings.points.back().tasks;
  const auto x = [&](double tasks) { return kLeft + (kWidth - kLeft - 20) * tasks / last; };
  const auto y = [&](double seconds) {
    return kHeight - kBottom - (kHeight - kBottom - kTop) * seconds / most;
  };
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<title>{2}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, kHeight, escaped(it.sentence));
  text += fmt::format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"black\"/>\n", kLeft,
                      kTop, kHeight - kBottom, kWidth - 20);
  for (const SweepPoint& point : it.crossings.points) {
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>\n",
                        x(point.tasks), kHeight - kBottom + 16, point.tasks);
  }
  text += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">tasks</text>\n",
                      kWidth / 2, kHeight - 8);
  text += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{}</text>\n", kLeft - 6,
                      kTop + 4,
                      decide::show_time_taken(Duration(static_cast<std::int64_t>(most * 1e6))));
  const auto line = [&](const char* name, const char* color, double label_x, auto time_of) {
    std::string path;
    for (const SweepPoint& point : it.crossings.points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.tasks),
                          y(to_seconds(time_of(point))));
    }
    text += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path,
                        color);
    text +=
        fmt::format("<text x=\"{:.0f}\" y=\"40\" fill=\"{}\">{}</text>\n", label_x, color, name);
  };
  line("one by one", "#555555", 80, [](const SweepPoint& p) { return takes(p.sequential); });
  line("best queue", "#1f6fb4", 200, [](const SweepPoint& p) { return takes(p.queue); });
  line("all at once", "#c8501e", 320, [](const SweepPoint& p) { return takes(p.at_once); });
  return text + "</svg>\n";
}

}  // namespace interlock::report
