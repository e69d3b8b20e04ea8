// What a plan does not say and history knows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "decide/learn.h"
#include "decide/words.h"

namespace interlock::decide {

std::map<std::string, LearnedFrom> fill_from_history(plan::Plan& plan, const History& history,
                                                     const std::vector<std::string>& keys) {
  std::map<std::string, LearnedFrom> taken;
  std::set<std::size_t> priced;  // Agents all of whose tasks use a resource that says so itself.
  for (const plan::Task& task : plan.tasks) {
    const bool says = std::ranges::any_of(task.uses, [&](const plan::Use& use) {
      return plan.resources[use.resource.index()].slowing.has_value();
    });
    if (says) priced.insert(task.agent.index());
  }
  for (std::size_t i = 0; i < plan.agents.size() && i < keys.size(); ++i) {
    plan::Agent& agent = plan.agents[i];
    const auto found = history.slowings.find(keys[i]);
    if (agent.slowing || priced.contains(i) || keys[i].empty() || found == history.slowings.end())
      continue;
    const history::LearnedSlowing& it = found->second;
    using Kind = history::LearnedSlowing::Kind;
    if (it.kind != Kind::found && it.kind != Kind::flat) continue;
    const history::Slowing slowing =
        it.kind == Kind::found ? it.slowing : history::Slowing{it.highest, 0};
    agent.slowing = plan::Slowing{slowing.beyond, slowing.by};
    taken[agent.name] = {it.count, keys[i].starts_with("host:") ? "command" : "call", slowing};
  }
  const bool asks = plan.limits.gate_every || std::ranges::any_of(plan.tasks, [](const auto& task) {
                      return task.gate_before || task.gate_after;
                    });
  if (asks && !plan.limits.answer && history.answer) {
    plan.limits.answer = history.answer;
    plan.notes.push_back(fmt::format("a person is expected to answer within {}, as before ({})",
                                     show_time_taken(*history.answer),
                                     count_of(history.answers, "answer")));
  }
  return taken;
}

std::vector<std::string> time_out_from_history(plan::Plan& plan, const History& history) {
  constexpr std::uint32_t kFewest = 5;
  constexpr double kNineInTen = 1.2816, kTimes = 10;
  constexpr Duration kLeast = std::chrono::minutes(2), kMost = std::chrono::hours(24 * 365);
  std::vector<std::string> said;
  std::size_t more = 0;
  for (plan::Task& task : plan.tasks) {
    const auto found = history.by_task.find(task.id + "\n" + plan.agents[task.agent.index()].name +
                                            "\n" + task.model);
    if (task.timeout_said || found == history.by_task.end()) continue;
    const History::Measurements& measurements = found->second;
    if (measurements.count < kFewest || measurements.time <= Duration::zero()) continue;
    const double high = static_cast<double>(measurements.time.count()) *
                        std::exp(kNineInTen * measurements.spread.value_or(kPriorSpread));
    const double limit = std::min(kTimes * high, static_cast<double>(kMost.count()));
    const Duration usual = task.timeout;
    task.timeout = std::max<Duration>(
        kLeast, std::chrono::ceil<std::chrono::seconds>(Duration(std::llround(limit))));
    if (task.timeout == usual) continue;
    constexpr std::size_t kNamed = 3;
    if (said.size() == kNamed) {
      ++more;
      continue;
    }
    said.push_back(fmt::format("`{}` times out after {}: ten times what nine in ten of its {} took",
                               task.id, show_duration(task.timeout),
                               count_of(measurements.count, "attempt")));
  }
  if (more > 0) said.push_back(fmt::format("{} more have such timeouts", count_of(more, "task")));
  return said;
}

}  // namespace interlock::decide
