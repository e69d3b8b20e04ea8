#include "report/history_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "decide/host_bounds.h"
#include "decide/learn.h"
#include "decide/words.h"
#include "history/estimate.h"

namespace interlock::report {
namespace {

using Measurements = decide::History::Measurements;
using Line = std::vector<std::string>;

template <typename T>
json::value known(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
json::value seconds(const std::optional<Duration>& value) {
  return value ? json::value(to_seconds(*value)) : json::value(nullptr);
}

Duration nine_in_ten(const Measurements& measurements) {
  constexpr double kNineInTen = 1.2816;  // Of a normal distribution, in standard deviations.
  const double factor = std::exp(kNineInTen * measurements.spread.value_or(history::kPriorSpread));
  return Duration(std::llround(static_cast<double>(measurements.time.count()) * factor));
}

std::string percent(const std::optional<double>& part) {
  return part ? fmt::format("{:.0f} %", 100 * *part) : "-";
}

/// Left-aligned up to `texts`, right-aligned behind, two blanks between; columns nobody fills go.
std::string table(std::vector<Line> lines, std::size_t texts, std::size_t columns) {
  constexpr std::size_t kWidest = 32;
  std::vector<std::size_t> widths(lines.front().size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const bool used = std::any_of(lines.begin() + 1, lines.end(), [&](const Line& line) {
      return !line[i].empty() && line[i] != "-";
    });
    for (Line& line : lines) {
      if (i < texts) line[i] = elide_middle(printable(line[i]), kWidest);
      if (used) widths[i] = std::max(widths[i], display_width(line[i]));
    }
  }
  std::string text;
  for (const Line& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      if (!row.empty()) row += "  ";
      row += i < texts ? pad(line[i], widths[i]) : pad_left(line[i], widths[i]);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += elide_end(row, columns) + "\n";
  }
  return text;
}

std::string learned_text(const std::string& key, const history::LearnedSlowing& it) {
  using Kind = history::LearnedSlowing::Kind;
  const bool of_host = key.starts_with("host:");
  std::string name = of_host ? "commands on " + key.substr(5) : "calls of " + key;
  std::ranges::replace(name, '\n', ' ');
  while (name.ends_with(' ')) name.pop_back();
  const std::string counted = decide::count_of(it.count, of_host ? "command" : "call");
  switch (it.kind) {
    case Kind::found:
      return fmt::format("{}: slow each other beyond {} at once, by {:.0f} % each ({})", name,
                         it.slowing.beyond, 100 * it.slowing.by, counted);
    case Kind::flat:
      return fmt::format("{}: do not slow each other up to {} at once ({})", name, it.highest,
                         counted);
    case Kind::same_level:
      return fmt::format("{}: not measured: too few different numbers ran at once ({})", name,
                         counted);
    case Kind::too_few: return fmt::format("{}: not measured: {}, it takes twelve", name, counted);
  }
  return {};
}

}  // namespace

std::vector<HistoryRow> history_rows(const std::vector<history::Sample>& samples, HistoryBy by) {
  std::vector<history::Sample> reported = samples;
  std::erase_if(reported, [](const auto& it) { return it.agent == history::kPerson; });
  if (by == HistoryBy::model) {
    for (history::Sample& it : reported) it.agent = "*";
  }
  std::set<std::string> workspaces;
  std::map<std::string, Time> last;
  const auto key_of = [&](const history::Sample& it) {
    const std::string agent = it.agent + "\n" + it.model;
    return by == HistoryBy::task ? it.workspace + "\n" + it.task + "\n" + agent : agent;
  };
  for (const history::Sample& it : reported) {
    workspaces.insert(by == HistoryBy::task ? it.workspace : "");
    Time& newest = last[key_of(it)];
    newest = std::max(newest, it.at);
  }
  std::vector<HistoryRow> rows;
  for (const std::string& workspace : workspaces) {
    const decide::History history = decide::learn(reported, {}, workspace);
    for (const auto& [key, measurements] :
         by == HistoryBy::task ? history.by_task : history.by_agent) {
      HistoryRow row;
      row.measurements = measurements;
      std::size_t at = 0;
      if (by == HistoryBy::task) {
        row.workspace = workspace;
        at = key.find('\n') + 1;
        row.task = key.substr(0, at - 1);
      }
      const std::size_t end = key.find('\n', at);
      row.agent = by == HistoryBy::model ? "" : key.substr(at, end - at);
      row.model = key.substr(end + 1);
      row.last = last[by == HistoryBy::task ? workspace + "\n" + key : key];
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string history_text(const std::vector<HistoryRow>& rows, HistoryBy by, std::size_t columns) {
  if (rows.empty()) return {};
  std::vector<Line> lines{{"task", "agent", "model", "times", "half by", "9 in 10 by", "tokens",
                           "tax", "cost", "cached", "fail", "waited", "joining", "cores",
                           "memory"}};
  std::string text, workspace;
  const auto flush = [&] {
    if (lines.size() > 1) text += table(lines, 3, columns);
    lines.resize(1);
  };
  for (const HistoryRow& row : rows) {
    if (by == HistoryBy::task && (lines.size() == 1 || row.workspace != workspace)) {
      flush();
      workspace = row.workspace;
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n",
                          workspace.empty() ? "of no workspace" : printable(workspace));
    }
    const Measurements& it = row.measurements;
    const bool timed = it.count > 0;
    const auto tax = it.spawn_tokens && it.return_tokens
                         ? std::optional(*it.spawn_tokens + *it.return_tokens)
                         : std::nullopt;
    lines.push_back(
        {row.task, row.agent, row.model.empty() ? "-" : row.model, fmt::format("{}", it.count),
         timed ? decide::show_time_taken(it.time) : "-",
         timed ? decide::show_time_taken(nine_in_ten(it)) : "-",
         it.tokens ? show_count(*it.tokens) : "-", tax ? show_count(*tax) : "-",
         it.cost ? show_usd(*it.cost) : "-", percent(it.cached), percent(it.failures),
         it.waited && *it.waited > Duration{} ? decide::show_time_taken(*it.waited) : "-",
         it.join ? decide::show_time_taken(it.join->each) : "-",
         it.machine.cores ? fmt::format("{:.1f}", *it.machine.cores) : "-",
         it.machine.memory_bytes ? decide::say_memory(*it.machine.memory_bytes) : "-"});
  }
  flush();
  return text;
}

std::string slowings_text(const decide::History& history) {
  std::string text;
  for (const auto& [key, it] : history.slowings) text += printable(learned_text(key, it)) + "\n";
  if (history.answer)
    text += fmt::format("a person answers at a gate within {} ({})\n",
                        decide::show_time_taken(*history.answer),
                        decide::count_of(history.answers, "answer"));
  if (const auto& it = history.coordinating)
    text += fmt::format("agents that join outputs take {}{} an output ({})\n",
                        decide::show_time_taken(it->each),
                        it->tokens ? fmt::format(" and {} tokens", show_count(*it->tokens)) : "",
                        decide::count_of(it->attempts, "attempt"));
  return text;
}

namespace {

json::value coordinating_json(const decide::History& history) {
  if (!history.coordinating) return nullptr;
  const decide::Coordinating& it = *history.coordinating;
  return json::object{
      {"each_s", to_seconds(it.each)}, {"tokens", known(it.tokens)}, {"attempts", it.attempts}};
}

}  // namespace

json::object history_json(const std::vector<HistoryRow>& rows, const decide::History& history,
                          std::size_t damaged) {
  json::array list, slowings;
  for (const HistoryRow& row : rows) {
    const Measurements& it = row.measurements;
    const bool timed = it.count > 0;
    list.push_back(json::object{
        {"workspace", row.workspace},
        {"task", row.task},
        {"agent", row.agent},
        {"model", row.model},
        {"times", it.count},
        {"time_s", timed ? json::value(to_seconds(it.time)) : json::value(nullptr)},
        {"p90_s", timed ? json::value(to_seconds(nine_in_ten(it))) : json::value(nullptr)},
        {"spread", known(it.spread)},
        {"tokens", known(it.tokens)},
        {"output_tokens", known(it.output_tokens)},
        {"spawn_tokens", known(it.spawn_tokens)},
        {"return_tokens", known(it.return_tokens)},
        {"cost_usd",
         it.cost ? json::value(static_cast<double>(*it.cost) / 1e6) : json::value(nullptr)},
        {"cached", known(it.cached)},
        {"tried", it.tried},
        {"failures", known(it.failures)},
        {"waited_s", seconds(it.waited)},
        {"join_s", it.join ? json::value(to_seconds(it.join->each)) : json::value(nullptr)},
        {"join_runs", it.join ? it.join->runs : 0},
        {"cores", known(it.machine.cores)},
        {"memory_bytes", known(it.machine.memory_bytes)},
        {"conflicts", known(it.p_conflict)},
        {"last", show_time(row.last)}});
  }
  using Kind = history::LearnedSlowing::Kind;
  for (const auto& [key, it] : history.slowings) {
    const std::size_t cut = key.find('\n');
    const bool of_host = key.starts_with("host:");
    slowings.push_back(json::object{
        {"account", of_host ? json::value(nullptr) : json::value(key.substr(0, cut))},
        {"host", of_host ? json::value(key.substr(5, cut - 5)) : json::value(nullptr)},
        {"model", key.substr(cut + 1)},
        {"measured", it.kind == Kind::found || it.kind == Kind::flat},
        {"beyond", it.kind == Kind::found ? json::value(it.slowing.beyond) : json::value(nullptr)},
        {"by", it.kind == Kind::found ? json::value(it.slowing.by) : json::value(nullptr)},
        {"samples", it.count},
        {"highest", it.highest}});
  }
  return {{"version", 1},
          {"rows", std::move(list)},
          {"slowing", std::move(slowings)},
          {"answer_s", seconds(history.answer)},
          {"answers", history.answers},
          {"coordinating", coordinating_json(history)},
          {"damaged", damaged}};
}

std::string regrets_text(const std::vector<history::Regret>& regrets) {
  if (regrets.empty()) return {};
  std::vector<Line> lines{
      {"run", "when", "plan", "decided", "best", "took", "best took", "one by one", "regret"}};
  double sum = 0, worst = 0;
  for (const history::Regret& it : regrets) {
    lines.push_back({it.run, show_time(it.at).substr(0, 19), it.plan, it.pattern, it.best,
                     decide::show_time_taken(it.took), decide::show_time_taken(it.best_took),
                     decide::show_time_taken(it.one_by_one),
                     fmt::format("{:.1f} %", 100 * it.ratio())});
    sum += it.ratio();
    worst = std::max(worst, it.ratio());
  }
  return table(lines, 5, 200) + fmt::format("{}: {:.1f} % on average, {:.1f} % at worst\n",
                                            decide::count_of(regrets.size(), "run"),
                                            100 * sum / static_cast<double>(regrets.size()),
                                            100 * worst);
}

json::object regrets_json(const std::vector<history::Regret>& regrets) {
  json::array list;
  for (const history::Regret& it : regrets) {
    list.push_back(json::object{{"run", it.run},
                                {"at", show_time(it.at)},
                                {"plan", it.plan},
                                {"workspace", it.workspace},
                                {"decided", it.pattern},
                                {"best", it.best},
                                {"took_s", to_seconds(it.took)},
                                {"best_took_s", to_seconds(it.best_took)},
                                {"one_by_one_s", to_seconds(it.one_by_one)},
                                {"real_s", to_seconds(it.real)},
                                {"regret", it.ratio()}});
  }
  return {{"version", 1}, {"regrets", std::move(list)}};
}

}  // namespace interlock::report
