#include "cli/plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/plan_bars.h"
#include "decide/words.h"

namespace interlock::cli {
namespace {

using decide::Expected;
using decide::Pattern;

/// What is known of a sum: the whole, at least the known parts, or nothing.
template <typename Get, typename Show>
std::string sum_of(const std::vector<Expected>& expected, Get get, Show show) {
  std::int64_t sum = 0;
  bool any = false, all = true;
  for (const Expected& it : expected) {
    const auto part = get(it);
    any |= part.has_value();
    all &= part.has_value();
    sum += part.value_or(0);
  }
  if (all) return show(sum);
  return any && sum > 0 ? "at least " + show(sum) : "unknown";
}

/// With what conflicts are expected to waste.
std::string tokens_of(const std::vector<Expected>& expected, Tokens wasted) {
  Tokens known = wasted, tax = 0;
  bool all = true;
  for (const Expected& it : expected) {
    all = all && it.tokens && it.overhead_tokens;
    known += it.tokens.value_or(0) + it.overhead_tokens.value_or(0);
    tax += it.overhead_tokens.value_or(0);
  }
  if (!all) return known > 0 ? "at least " + show_count(known) : "unknown";
  if (tax == 0) return show_count(known);
  return fmt::format("{} ({} % tax)", show_count(known), (100 * tax + known / 2) / known);
}

using Row = std::vector<std::string>;

Row row_of(std::string heading, const decide::Forecast& forecast,
           const std::vector<Expected>& expected, const std::string& cost) {
  const decide::Range& range = forecast.range;
  const auto drawn = [&](Duration value) {
    return range.draws > 0 ? decide::show_time_taken(value) : std::string("-");
  };
  return {std::move(heading),
          decide::show_time_taken(forecast.elapsed + forecast.join),
          drawn(range.p50 + range.join),
          drawn(range.p90 + range.join),
          tokens_of(expected, range.wasted_tokens.value_or(0)),
          forecast.cost ? show_usd(*forecast.cost) : cost};
}

}  // namespace

std::vector<std::string> draw_table(const std::vector<Expected>& expected,
                                    const decide::Decision& decision, const PlanScreen& screen,
                                    bool others) {
  constexpr std::size_t kGap = 2;
  const PlanSigns signs = plan_signs(screen.unicode);
  const std::string cost = sum_of(expected, [](const Expected& it) { return it.cost; }, show_usd);
  std::vector<Row> rows{{"", "estimated", "half by", "9 in 10 by", "tokens", "cost"}};
  const std::array patterns{Pattern::sequential, Pattern::parallel, Pattern::queue};
  const std::array forecasts{&decision.sequential, &decision.parallel, &decision.queue};
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const bool chosen = patterns[i] == decision.pattern;
    // A queue of one is one by one: it takes no room where that is short.
    if (!screen.full && patterns[i] == Pattern::queue && forecasts[i]->n < 2 && !chosen) continue;
    rows.push_back(row_of(
        fmt::format("{} {}", chosen ? signs.chosen : " ", heading_of(patterns[i], forecasts[i]->n)),
        *forecasts[i], expected, cost));
  }
  const auto add = [&](std::string heading, std::string estimated, const decide::Range& range,
                       const std::optional<Tokens>& tokens, std::string paid) {
    const bool drawn = range.draws > 0;
    rows.push_back({"  " + std::move(heading), std::move(estimated),
                    drawn ? decide::show_time_taken(range.p50) : "-",
                    drawn ? decide::show_time_taken(range.p90) : "-",
                    tokens ? show_count(*tokens) : "unknown", std::move(paid)});
  };
  const std::size_t patterns_end = rows.size();
  if (const auto& it = decision.one_agent; it && others) {
    add(it->fits ? "one agent for all" : "one agent (no room)",
        decide::show_time_taken(it->elapsed), it->range, it->tokens,
        it->cost ? show_usd(*it->cost) : "unknown");
  }
  if (const auto& it = decision.provider_batch; it && others) {
    add("provider's batch",
        fmt::format("{} h", std::chrono::floor<std::chrono::hours>(it->within).count()), {},
        it->tokens, it->cost ? show_usd(*it->cost) : "unknown");
  }
  std::size_t columns = rows.front().size();
  const auto is_free = [](const Row& row) { return row.back() == "$0.00"; };
  if (std::ranges::all_of(rows.begin() + 1, rows.end(), is_free)) --columns;
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto width = [&] {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < columns; ++i) sum += widths[i] + (i > 0 ? kGap : 0);
    return sum;
  };
  while (columns > 2 && width() > screen.columns) --columns;
  constexpr std::size_t kTokens = 4;
  if (columns <= kTokens) rows.resize(patterns_end);
  std::vector<std::string> lines;
  for (const Row& row : rows) {
    std::string line = pad(row[0], widths[0]);
    for (std::size_t i = 1; i < columns; ++i)
      line += std::string(kGap, ' ') + pad_left(row[i], widths[i]);
    lines.push_back(elide_end(line, screen.columns));
  }
  return lines;
}

}  // namespace interlock::cli
