#include "report/plan_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "decide/host_bounds.h"
#include "decide/words.h"

namespace interlock::report {

using decide::Expected;
using decide::From;

std::optional<std::string> say_sources(const std::vector<Expected>& expected) {
  std::size_t plan = 0, history = 0, prior = 0;
  std::uint32_t least = ~0u, most = 0;
  for (const Expected& it : expected) {
    ++(it.time_from == From::plan ? plan : it.time_from == From::history ? history : prior);
    if (it.time_from != From::history) continue;
    least = std::min(least, it.samples);
    most = std::max(most, it.samples);
  }
  if (history == 0) return std::nullopt;
  std::string text = fmt::format("Times: {} from history of {}", history,
                                 least == most ? decide::count_of(most, "attempt")
                                               : fmt::format("{} to {} attempts", least, most));
  if (plan > 0) text += fmt::format(", {} from the plan", plan);
  if (prior > 0) text += fmt::format(", {} assumed", prior);
  return text;
}

bool any_from_history(const std::vector<Expected>& expected) {
  return std::ranges::any_of(expected, [](const Expected& it) {
    const From sources[] = {it.time_from, it.tokens_from, it.overhead_from, it.cost_from,
                            it.failure_from};
    if (it.machine.attempts > 0) return true;
    return std::ranges::find(sources, From::history) != std::end(sources);
  });
}

std::vector<std::string> list_sources(const plan::Plan& plan, const std::vector<Expected>& expected,
                                      std::size_t most) {
  const auto from = [](From source) {
    return source == From::prior ? std::string("assumed") : std::string(name_of(source));
  };
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(most, expected.size()); ++i) {
    const Expected& it = expected[i];
    const bool assumed = it.time_from == From::prior;
    std::string line =
        fmt::format("`{}`: {} ({})", plan.tasks[i].id, decide::show_time_taken(it.time),
                    assumed ? "assumed" : decide::say_source(it));
    if (it.tokens && *it.tokens > 0)
      line += fmt::format(", {} tokens ({})", show_count(*it.tokens), from(it.tokens_from));
    if (it.overhead_tokens && *it.overhead_tokens > 0)
      line += fmt::format(", tax {} ({})", show_count(*it.overhead_tokens), from(it.overhead_from));
    if (it.cost && *it.cost > 0)
      line += fmt::format(", {} ({})", show_usd(*it.cost), from(it.cost_from));
    if (it.p_failure && *it.p_failure > 0)
      line += fmt::format(", {:.0f} % of attempts fail ({})", 100 * *it.p_failure,
                          from(it.failure_from));
    std::vector<std::string> taken;
    if (it.machine.cores) taken.push_back(fmt::format("{:.1f} processors", *it.machine.cores));
    if (it.machine.memory_bytes) taken.push_back(decide::say_memory(*it.machine.memory_bytes));
    if (!taken.empty()) line += fmt::format(", keeps {} (history)", join_words(taken));
    lines.push_back(std::move(line));
  }
  if (expected.size() > most)
    lines.push_back(fmt::format("and {} more: --json lists them all", expected.size() - most));
  return lines;
}

}  // namespace interlock::report
