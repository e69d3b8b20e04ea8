#include "decide/alternatives.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace interlock::decide {
namespace {

/// What a context grows by from one call of a model to the next, where nobody measured it.
constexpr double kTokensPerCall = 2000;
/// A context that most models have.
constexpr double kContext = 200'000;
/// What reading from a prompt cache costs, as a part of the price of input; and input as a part of
/// the price of a task's average token.
constexpr double kCachedPart = 0.1, kInputPart = 0.5;
constexpr std::int64_t kBatchPricePart = 2;  ///< Half.
constexpr Duration kBatchWindow = std::chrono::hours(24);
constexpr Duration kCacheWritten = std::chrono::seconds(5), kCacheKept = std::chrono::minutes(5);

/// A task in a context of its own: each call reads all that is there and adds the same to it, so
/// `work` = g + 2g + ... + ng.
struct Calls {
  double count = 1, leaves = 0;  ///< `leaves`: what the context holds when it is done.
};
Calls calls_of(Tokens work) {
  const double n = (std::sqrt(1 + 8 * static_cast<double>(work) / kTokensPerCall) - 1) / 2;
  const double count = std::max(1.0, std::round(n));
  return {count, 2 * static_cast<double>(work) / (count + 1)};
}

struct Sums {
  Tokens work = 0, tax = 0;
  MicroUsd cost = 0;
  bool tokens_known = true, cost_known = true;

  /// Of an average token.
  double price() const {
    return work + tax == 0 ? 0 : static_cast<double>(cost) / static_cast<double>(work + tax);
  }
};
Sums sums_of(const std::vector<Expected>& expected) {
  Sums sums;
  for (const Expected& it : expected) {
    sums.work += it.tokens.value_or(0);
    sums.tax += it.overhead_tokens.value_or(0);
    sums.cost += it.cost.value_or(0);
    sums.tokens_known = sums.tokens_known && it.tokens && it.overhead_tokens;
    sums.cost_known = sums.cost_known && it.cost;
  }
  return sums;
}

MicroUsd money(double amount) { return static_cast<MicroUsd>(std::llround(amount)); }

bool asks_a_model(const Expected& it) { return it.overhead_tokens.value_or(0) > 0; }

/// How many batches come one after the other.
int depth_of(std::size_t tasks, const footprint::Interlocking& interlocking) {
  std::vector<int> depth(tasks, 1);
  for (const footprint::Edge& edge : interlocking.edges) {
    int& after = depth[edge.after.index()];
    after = std::max(after, depth[edge.before.index()] + 1);
  }
  return depth.empty() ? 0 : std::ranges::max(depth);
}

}  // namespace

std::optional<OneAgent> one_agent_of(const plan::Plan& plan, const std::vector<Expected>& expected,
                                     const Forecast& sequential) {
  if (plan.tasks.size() < 2) return std::nullopt;
  const plan::Task& first = plan.tasks.front();
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    const bool same = task.agent == first.agent && task.model == first.model;
    if (!same || !asks_a_model(expected[i])) return std::nullopt;
  }
  OneAgent it;
  it.elapsed = sequential.elapsed;
  it.range = sequential.range;
  const Sums sums = sums_of(expected);
  if (!sums.tokens_known) return it;
  Tokens tax = 0;
  double context = 0, read_again = 0;
  for (const Expected& one : expected) {
    tax = std::max(tax, *one.overhead_tokens);
    const Calls calls = calls_of(*one.tokens);
    read_again += calls.count * context;
    context += calls.leaves;
  }
  it.fits = context + static_cast<double>(tax) <= kContext;
  it.cached_tokens = std::llround(read_again);
  it.overhead_tokens = tax;
  it.tokens = sums.work + tax + *it.cached_tokens;
  if (sums.cost_known) {
    const double paid = static_cast<double>(sums.work + tax);
    it.cost = money(sums.price() * (paid + kCachedPart * kInputPart * read_again));
  }
  return it;
}

std::optional<ProviderBatch> provider_batch_of(const plan::Plan& plan,
                                               const footprint::Interlocking& interlocking,
                                               const std::vector<Expected>& expected) {
  const bool all = std::ranges::all_of(plan.tasks, [&](const plan::Task& task) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    return agent.kind == plan::AgentKind::chat && !task.gate_before && !task.gate_after;
  });
  if (!all || plan.tasks.empty() || plan.limits.gate_every) return std::nullopt;
  ProviderBatch it;
  it.within = kBatchWindow * depth_of(plan.tasks.size(), interlocking);
  const Sums sums = sums_of(expected);
  if (sums.tokens_known) it.tokens = sums.work + sums.tax;
  if (sums.cost_known) it.cost = sums.cost / kBatchPricePart;
  return it;
}

Tokens cached_tokens_of(const plan::Plan& plan, const std::vector<Expected>& expected,
                        const schedule::Timeline& timeline) {
  struct Prefix {
    Duration ready{}, used{};
  };
  std::map<std::tuple<std::size_t, std::string>, Prefix> prefixes;
  Tokens cached = 0;
  for (const schedule::Slot& slot : timeline.slots) {
    const Expected& it = expected[slot.task.index()];
    // What was measured holds what the cache gave.
    if (!asks_a_model(it) || it.overhead_from == From::history) continue;
    const plan::Task& task = plan[slot.task];
    const auto [at, is_new] = prefixes.try_emplace({task.agent.index(), task.model});
    Prefix& prefix = at->second;
    if (is_new || slot.start - prefix.used > kCacheKept) {
      prefix.ready = slot.start + kCacheWritten;
    } else if (slot.start >= prefix.ready) {
      cached += kPriorSpawnTokens;
    }
    prefix.used = std::max(prefix.used, slot.end);
  }
  return cached;
}

std::optional<MicroUsd> cost_with(const std::vector<Expected>& expected, Tokens cached,
                                  std::optional<Tokens> more) {
  const Sums sums = sums_of(expected);
  if (!sums.cost_known || !more) return std::nullopt;
  if (!sums.tokens_known) return sums.cost;
  const double saved = (1 - kCachedPart) * kInputPart * static_cast<double>(cached);
  const double all =
      static_cast<double>(sums.cost) + sums.price() * (static_cast<double>(*more) - saved);
  return std::max<MicroUsd>(money(all), 0);
}

}  // namespace interlock::decide
