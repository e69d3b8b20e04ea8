#include "decide/lifting.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/words.h"

namespace interlock::decide {
namespace {

using footprint::Edge;
using footprint::Why;

bool is_on_paths(const Edge& edge) { return edge.why != Why::needs && edge.why != Why::lock; }

bool is_vague(const footprint::PatternSet& patterns) {
  return std::ranges::any_of(patterns.include,
                             [](const footprint::Glob& glob) { return !glob.is_literal(); });
}

/// The interlocking of the plan as if some tasks touched nothing.
footprint::Interlocking without(const plan::Plan& plan, const std::vector<bool>& lifted) {
  static const footprint::Footprint kNothing{};
  std::vector<std::vector<ResourceId>> locks;
  std::vector<footprint::Claim> claims = plan::claims_of(plan, locks);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (lifted[i]) claims[i].footprint = &kNothing;
  }
  std::vector<std::string> names;
  for (const plan::Resource& resource : plan.resources) names.push_back(resource.name);
  return footprint::interlock(claims, names);
}

/// Prices bets one after the other against what may be wasted.
class Bookmaker {
 public:
  Bookmaker(const plan::Plan& plan, const std::vector<Expected>& expected)
      : limits_(plan.limits), expected_(expected) {}

  Bet price(TaskId task) {
    const Expected& it = expected_[task.index()];
    Bet bet;
    bet.task = task;
    bet.p_conflict = it.p_conflict.value_or(kPriorConflict);
    bet.p_from = it.p_conflict ? From::history : From::prior;
    bet.saving = part(it.time, 1 - bet.p_conflict);
    bet.waste = part(it.time, bet.p_conflict);
    if (it.tokens)
      bet.tokens = share(*it.tokens + it.overhead_tokens.value_or(0), bet.p_conflict);
    if (it.cost) bet.cost = share(*it.cost, bet.p_conflict);
    bet.refused = refusal(bet);
    if (bet.refused.empty()) {
      tokens_ += bet.tokens.value_or(0);
      cost_ += bet.cost.value_or(0);
    }
    return bet;
  }

 private:
  static Duration part(Duration whole, double of) {
    return Duration(static_cast<std::int64_t>(static_cast<double>(whole.count()) * of));
  }
  static std::int64_t share(std::int64_t whole, double of) {
    return static_cast<std::int64_t>(static_cast<double>(whole) * of + 0.5);
  }

  std::string refusal(const Bet& bet) const {
    if (bet.saving < bet.waste)
      return fmt::format("it conflicts too often ({:.0f} %)", bet.p_conflict * 100);
    if (limits_.speculate_tokens) {
      if (!bet.tokens) return "nobody knows what tokens it takes, and there is a budget";
      if (tokens_ + *bet.tokens > *limits_.speculate_tokens)
        return fmt::format("the {} tokens that may be wasted are spoken for",
                           show_count(*limits_.speculate_tokens));
    }
    if (limits_.speculate_usd) {
      if (!bet.cost) return "nobody knows what it costs, and there is a budget";
      if (cost_ + *bet.cost > *limits_.speculate_usd)
        return "the dollars that may be wasted are spoken for";
    }
    return {};
  }

  const plan::Limits& limits_;
  const std::vector<Expected>& expected_;
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
    if (tied[i] && (it.unknown || is_vague(it.reads) || is_vague(it.writes)))
      tasks.emplace_back(i);
  }
  return tasks;
}

}  // namespace

bool is_caught(const plan::Task& task) {
  return task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
}

bool works_among_pictures(const plan::Plan& plan, const plan::Task& task) {
  return !is_caught(task) && std::ranges::any_of(plan.tasks, is_caught);
}

Lifting lift(const plan::Plan& plan, const footprint::Interlocking& interlocking,
             const std::vector<Expected>& expected, const Wish& wish) {
  Lifting lifting;
  lifting.lifted.assign(plan.tasks.size(), false);
  const bool asked = wish.pattern && *wish.pattern != Pattern::sequential;
  const bool in_sequence = wish.pattern == Pattern::sequential;
  if (asked) {
    for (std::size_t i = 0; i < plan.tasks.size(); ++i)
      lifting.lifted[i] = is_caught(plan.tasks[i]);
  } else if (plan.limits.speculate && !in_sequence) {
    Bookmaker bookmaker(plan, expected);
    for (const TaskId task : candidates(plan, interlocking)) {
      if (!is_caught(plan[task])) continue;
      const Bet bet = bookmaker.price(task);
      lifting.lifted[task.index()] = bet.refused.empty();
      lifting.bets.push_back(bet);
    }
  }
  const bool any = std::ranges::find(lifting.lifted, true) != lifting.lifted.end();
  lifting.waits = any ? without(plan, lifting.lifted) : interlocking;
  for (const Edge& edge : interlocking.edges) {
    if (!is_on_paths(edge)) continue;
    const auto still = lifting.waits.into(edge.after);
    if (std::ranges::none_of(still, [&](const Edge& other) { return other == edge; }))
      ++lifting.edges_lifted;
  }
  if (asked) {
    // Only those that would have had to wait, or made others wait, take a risk.
    std::vector<bool> tied(plan.tasks.size());
    for (const Edge& edge : interlocking.edges) {
      if (is_on_paths(edge)) tied[edge.before.index()] = tied[edge.after.index()] = true;
    }
    for (std::size_t i = 0; i < tied.size(); ++i)
      lifting.lifted[i] = lifting.lifted[i] && tied[i];
  }
  return lifting;
}

std::vector<std::string> say_lifting(const plan::Plan& plan, const Lifting& lifting) {
  constexpr std::size_t kMost = 6;
  std::vector<std::string> lines;
  if (lifting.edges_lifted > 0) {
    lines.push_back(fmt::format(
        "{} {} not waited for: the tasks have views, and what meets is found when it is committed",
        count_of(lifting.edges_lifted, "conflict"), lifting.edges_lifted == 1 ? "is" : "are"));
  }
  for (const Bet& bet : lifting.bets) {
    if (lines.size() > kMost) break;
    const std::string& id = plan[bet.task].id;
    if (!bet.refused.empty()) {
      lines.push_back(fmt::format("`{}` does not speculate: {}", id, bet.refused));
      continue;
    }
    std::string waste = show_time_taken(bet.waste);
    if (bet.tokens) waste += fmt::format(" and {} tokens", show_count(*bet.tokens));
    lines.push_back(fmt::format(
        "`{}` speculates: {:.0f} % that something meets it ({}); {} expected to be saved, {} to be "
        "wasted",
        id, bet.p_conflict * 100, name_of(bet.p_from), show_time_taken(bet.saving), waste));
  }
  return lines;
}

}  // namespace interlock::decide
