#include "decide/speculation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decide/merge_drivers.h"
#include "decide/shown_id.h"
#include "decide/words.h"

namespace interlock::decide {
namespace {

using footprint::Edge;
using footprint::Why;

bool is_on_paths(const Edge& edge) {
  return !footprint::is_said(edge.why) && edge.why != Why::lock;
}

bool is_vague(const footprint::PatternSet& patterns) {
  return std::ranges::any_of(patterns.include,
                             [](const footprint::Glob& glob) { return !glob.is_literal(); });
}

/// How likely the two meet if they overlap. Patterns without wildcards that have a path in common
/// do; of others the plan says, or history knows, how often the later one meets one that it
/// overlaps with.
double odds_of(const plan::Plan& plan, const Expected& later, TaskId before, TaskId after) {
  const auto is_exact = [&](TaskId task) {
    const footprint::Footprint& it = plan[task].footprint;
    return !it.unknown && !is_vague(it.reads) && !is_vague(it.writes);
  };
  if (is_exact(before) && is_exact(after)) return 1;
  return later.p_conflict.value_or(kPriorConflict);
}

/// The pairs that may meet because one of them does not wait any more.
std::vector<Risk> risks_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                           const std::vector<Expected>& expected, const Speculation& speculation) {
  constexpr std::size_t kMostCompared = 64;  // Every pair of them; of more, the direct edges.
  const MergeDrivers drivers(plan);
  std::vector<std::pair<TaskId, TaskId>> pairs;
  const auto is_lifted = [&](TaskId task) { return speculation.lifted[task.index()]; };
  std::vector<bool> tied(plan.tasks.size());
  for (const Edge& edge : interlocking.edges) {
    if (!is_on_paths(edge) || (!is_lifted(edge.before) && !is_lifted(edge.after))) continue;
    tied[edge.before.index()] = tied[edge.after.index()] = true;
    if (drivers.any() && !drivers.leave_conflict(edge.before, edge.after)) continue;
    pairs.emplace_back(edge.before, edge.after);
  }
  const auto count = static_cast<std::size_t>(std::ranges::count(tied, true));
  if (count <= kMostCompared) {
    pairs.clear();
    for (std::uint32_t j = 0; j < tied.size(); ++j) {
      for (std::uint32_t i = 0; tied[j] && i < j; ++i) {
        if (!tied[i] || (!is_lifted(TaskId(i)) && !is_lifted(TaskId(j)))) continue;
        if (drivers.leave_conflict(TaskId(i), TaskId(j))) pairs.emplace_back(i, j);
      }
    }
  }
  std::ranges::sort(pairs, {}, [](const auto& pair) { return std::pair(pair.second, pair.first); });
  pairs.erase(std::ranges::unique(pairs).begin(), pairs.end());
  std::vector<Risk> risks;
  for (const auto& [before, after] : pairs)
    risks.push_back({before, after, odds_of(plan, expected[after.index()], before, after)});
  return risks;
}

/// Prices bets one after the other against what may be wasted.
class SpeculationPricer {
 public:
  SpeculationPricer(const plan::Plan& plan, const std::vector<Expected>& expected, double most_odds)
      : limits_(plan.limits), expected_(expected), most_odds_(most_odds) {}

  /// `beside`: how many earlier ones may run beside it that it might meet.
  Candidate price(TaskId task, std::size_t beside) {
    const Expected& it = expected_[task.index()];
    Candidate candidate;
    candidate.task = task;
    const double of_two = it.p_conflict.value_or(kPriorConflict);
    candidate.p_conflict = 1 - std::pow(1 - of_two, static_cast<double>(beside));
    candidate.p_from = it.p_conflict_from;
    if (it.tokens)
      candidate.tokens = share(*it.tokens + it.overhead_tokens.value_or(0), candidate.p_conflict);
    if (it.cost) candidate.cost = share(*it.cost, candidate.p_conflict);
    candidate.refused = refusal(candidate, of_two);
    if (candidate.refused.empty()) {
      tokens_ += candidate.tokens.value_or(0);
      cost_ += candidate.cost.value_or(0);
    }
    return candidate;
  }

 private:
  static std::int64_t share(std::int64_t whole, double of) {
    return static_cast<std::int64_t>(static_cast<double>(whole) * of + 0.5);
  }

  std::string refusal(const Candidate& candidate, double of_two) const {
    if (candidate.p_from != From::prior && of_two > most_odds_)
      return fmt::format("it conflicts too often ({:.0f} %)", of_two * 100);
    if (limits_.speculate_tokens) {
      if (!candidate.tokens) return "nobody knows what tokens it takes, and there is a budget";
      if (tokens_ + *candidate.tokens > *limits_.speculate_tokens)
        return fmt::format("the {} tokens that may be wasted are spoken for",
                           show_count(*limits_.speculate_tokens));
    }
    if (limits_.speculate_usd) {
      if (!candidate.cost) return "nobody knows what it costs, and there is a budget";
      if (cost_ + *candidate.cost > *limits_.speculate_usd)
        return "the dollars that may be wasted are spoken for";
    }
    return {};
  }

  const plan::Limits& limits_;
  const std::vector<Expected>& expected_;
  double most_odds_;
  Tokens tokens_ = 0;
  MicroUsd cost_ = 0;
};

/// Tasks that wait for another, or make it wait, because nobody said exactly what they touch.
std::vector<TaskId> candidates(const plan::Plan& plan,
                               const footprint::Interlocking& interlocking) {
  std::vector<bool> tied(plan.tasks.size());
  for (const Edge& edge : interlocking.edges) {
    if (is_on_paths(edge)) tied[edge.before.index()] = tied[edge.after.index()] = true;
  }
  std::vector<TaskId> tasks;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const footprint::Footprint& it = plan.tasks[i].footprint;
    if (plan.tasks[i].try_of) continue;  // It waits for whom its task waits for.
    if (tied[i] && (it.unknown || is_vague(it.reads) || is_vague(it.writes))) tasks.emplace_back(i);
  }
  return tasks;
}

/// One after the other in plan order, within the budget.
void take_candidates(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                     const std::vector<Expected>& expected, bool only_stated, double most_odds,
                     Speculation& speculation) {
  SpeculationPricer pricer(plan, expected, most_odds);
  std::vector<TaskId> tasks = candidates(plan, interlocking);
  std::erase_if(tasks, [&](TaskId task) {
    return !is_caught(plan[task]) || (only_stated && !plan[task].estimate.conflicts);
  });
  // At most all that may run beside it, of those that came before: exactly whom it might meet is
  // found later, for those that are taken.
  const auto most = static_cast<std::size_t>(plan.limits.parallel) - 1;
  for (std::size_t k = 0; k < tasks.size(); ++k) {
    const Candidate candidate =
        pricer.price(tasks[k], std::min({k, most, interlocking.into(tasks[k]).size()}));
    speculation.lifted[tasks[k].index()] = candidate.refused.empty();
    speculation.candidates.push_back(candidate);
  }
}

/// Which conflicts are not waited for, and why not.
void count_edges(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                 Speculation& speculation) {
  const MergeDrivers drivers(plan);
  for (const Edge& edge : interlocking.edges) {
    if (!is_on_paths(edge)) continue;
    const auto still = speculation.waits.into(edge.after);
    const auto joins_the_same = [&](const Edge& other) {
      return other.before == edge.before && other.why == edge.why;
    };
    if (std::ranges::any_of(still, joins_the_same)) continue;
    if (!drivers.any() || drivers.leave_conflict(edge.before, edge.after)) {
      ++speculation.edges_lifted;
      continue;
    }
    ++speculation.edges_joined;
    speculation.joined.push_back(edge.before);
    speculation.joined.push_back(edge.after);
  }
  std::ranges::sort(speculation.joined);
  speculation.joined.erase(std::ranges::unique(speculation.joined).begin(),
                           speculation.joined.end());
}

}  // namespace

footprint::Interlocking waits_without(const plan::Plan& plan, const std::vector<bool>& lifted) {
  static const footprint::Footprint kNothing{};
  std::vector<std::vector<ResourceId>> locks;
  std::vector<footprint::Claim> claims = plan::claims_of(plan, locks);
  const MergeDrivers drivers(plan);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (const auto* rest = drivers.rest_of(TaskId(i))) claims[i].footprint = rest;
    if (lifted[i]) claims[i].footprint = &kNothing;
  }
  std::vector<std::string> names;
  for (const plan::Resource& resource : plan.resources) names.push_back(resource.name);
  footprint::Interlocking waits = plan::interlocking_of(plan, claims, names);
  footprint::add_edges(waits, drivers.edges_left(lifted));
  return waits;
}

footprint::Interlocking waits_of(const plan::Plan& plan,
                                 const footprint::Interlocking& interlocking,
                                 const std::vector<bool>& lifted) {
  const bool any = std::ranges::find(lifted, true) != lifted.end();
  return any || MergeDrivers(plan).any() ? waits_without(plan, lifted) : interlocking;
}

bool may_speculate(const plan::Plan& plan, const footprint::Interlocking& interlocking) {
  return std::ranges::any_of(candidates(plan, interlocking),
                             [&](TaskId task) { return is_caught(plan[task]); });
}

bool is_caught(const plan::Task& task) {
  return task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
}

bool works_among_snapshots(const plan::Plan& plan, const plan::Task& task) {
  return !is_caught(task) && std::ranges::any_of(plan.tasks, is_caught);
}

Speculation lift(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                 const std::vector<Expected>& expected, const Options& options,
                 SpeculationScope scope, double most_odds) {
  Speculation speculation;
  speculation.lifted.assign(plan.tasks.size(), false);
  const bool asked = options.pattern && *options.pattern != Pattern::sequential;
  const bool in_sequence = options.pattern == Pattern::sequential;
  if (asked) {
    for (std::size_t i = 0; i < plan.tasks.size(); ++i)
      speculation.lifted[i] = is_caught(plan.tasks[i]);
  } else if (scope != SpeculationScope::none && !in_sequence) {
    take_candidates(plan, interlocking, expected, scope == SpeculationScope::stated, most_odds,
                    speculation);
  }
  const bool any = std::ranges::find(speculation.lifted, true) != speculation.lifted.end();
  speculation.waits = waits_of(plan, interlocking, speculation.lifted);
  count_edges(plan, interlocking, speculation);
  if (any) speculation.risks = risks_of(plan, interlocking, expected, speculation);
  if (asked) {
    // Only those that would have had to wait, or made others wait, take a risk.
    std::vector<bool> tied(plan.tasks.size());
    for (const Edge& edge : interlocking.edges) {
      if (is_on_paths(edge)) tied[edge.before.index()] = tied[edge.after.index()] = true;
    }
    for (std::size_t i = 0; i < tied.size(); ++i)
      speculation.lifted[i] = speculation.lifted[i] && tied[i];
  }
  return speculation;
}

std::vector<std::string> say_speculation(const plan::Plan& plan, const Speculation& speculation,
                                         const Range& range) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> lines;
  if (speculation.edges_joined > 0) {
    lines.push_back(fmt::format(
        "{} {} not waited for: the plan's merge drivers join the files that {} share, in plan "
        "order",
        count_of(speculation.edges_joined, "conflict"),
        speculation.edges_joined == 1 ? "is" : "are", names_of(plan, speculation.joined)));
  }
  if (speculation.edges_lifted > 0) {
    lines.push_back(fmt::format(
        "{} {} not waited for: the tasks have views, and what meets is found when it is committed",
        count_of(speculation.edges_lifted, "conflict"),
        speculation.edges_lifted == 1 ? "is" : "are"));
  }
  if (!speculation.risks.empty() && range.draws > 0) {
    const bool certain =
        std::ranges::all_of(speculation.risks, [](const Risk& it) { return it.p == 1; });
    const bool assumed = std::ranges::any_of(speculation.risks,
                                             [](const Risk& it) { return it.p == kPriorConflict; });
    const bool stated = std::ranges::any_of(speculation.risks, [&](const Risk& it) {
      return plan[it.after].estimate.conflicts.has_value();
    });
    lines.push_back(fmt::format("On average {:.1f} of the attempts {} done again{}{}", range.redone,
                                range.redone == 1 ? "is" : "are", say_waste(range),
                                certain   ? ": they write the same files"
                                : assumed ? fmt::format(" (assumed: two that might meet do in "
                                                        "{:.0f} % of cases)",
                                                        kPriorConflict * 100)
                                : stated  ? " (odds from the plan)"
                                          : " (odds from history)"));
  }
  std::size_t refused = 0;
  std::string last;
  for (const Candidate& candidate : speculation.candidates) {
    if (candidate.refused.empty()) continue;
    const bool is_place = plan[candidate.task].family.has_value();
    if (!is_place && ++refused > kMost) continue;
    std::string text = fmt::format("`{}` does not speculate: {}", shown_id(plan, candidate.task),
                                   candidate.refused);
    // What holds of all places of a `foreach` is said once.
    if (is_place && (text == last || ++refused > kMost)) continue;
    lines.push_back(text);
    last = std::move(text);
  }
  if (refused > kMost)
    lines.push_back(fmt::format("{} more do not speculate", count_of(refused - kMost, "task")));
  return lines;
}

std::string say_waste(const Range& range) {
  if (range.redone == 0) return "";
  return range.wasted_tokens ? fmt::format(", {} tokens wasted", show_count(*range.wasted_tokens))
                             : ", with tokens nobody knows";
}

}  // namespace interlock::decide
