#include <algorithm>

#include "decide/decision.h"
#include "decide/explain.h"
#include "decide/forecast.h"
#include "decide/lifting.h"
#include "decide/tests.h"
#include "decide/verdicts.h"

namespace interlock::decide {
namespace {

/// Above this many tasks it is not counted how many could run at once without a cap.
constexpr std::size_t kMostCounted = 100'000;

std::uint32_t cap_of(const plan::Plan& plan, const Wish& wish) {
  const std::int64_t asked =
      wish.parallel ? static_cast<std::int64_t>(*wish.parallel) : plan.limits.parallel;
  const auto tasks = static_cast<std::int64_t>(plan.tasks.size());
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(asked, 1, std::max<std::int64_t>(tasks, 1)));
}

/// Which of the two overlapping patterns fits the plan.
Pattern overlapping(const plan::Plan& plan, const Wish& wish, const schedule::Problem& problem,
                    const Decision& decision, std::uint32_t cap,
                    std::optional<std::uint32_t> natural_width) {
  if (wish.pattern && *wish.pattern != Pattern::sequential) return *wish.pattern;
  const bool all_at_once = natural_width && *natural_width <= cap &&
                           decision.parallel.elapsed == schedule::critical_path(problem);
  const bool reviewed = plan.limits.gate_every &&
                        *plan.limits.gate_every < static_cast<std::int64_t>(plan.tasks.size());
  return all_at_once && !reviewed ? Pattern::parallel : Pattern::queue;
}

/// How many slots the queue is to have: the fewest that are enough; where that is no fewer than in
/// parallel and the queue stands there for comparison only, one less.
std::uint32_t queue_slots(const Forecaster& forecaster, const Decision& decision, const Wish& wish,
                          std::uint32_t cap, bool likely) {
  if (wish.pattern == Pattern::queue && wish.parallel) return cap;
  const std::uint32_t enough = forecaster.fewest_sufficient(cap, decision.parallel.elapsed);
  const std::uint32_t width = decision.parallel.n;
  if (enough < width || (likely && wish.pattern != Pattern::queue)) return enough;
  return std::max(width, 2u) - 1;
}

Saving saving_of(const plan::Limits& limits, const schedule::Problem& problem, Duration sequential,
                 Duration overlapped) {
  Saving saving;
  saving.sequential = sequential;
  saving.critical_path = schedule::critical_path(problem);
  saving.quota = schedule::quota_bound(problem);
  saving.overhead = overlapped - std::max(saving.critical_path, saving.quota);
  saving.saved = sequential - std::max(saving.critical_path, saving.quota) - saving.overhead -
                 saving.conflict - saving.merge;
  saving.required = std::max(limits.min_saving, sequential / 10);
  return saving;
}

void take_pattern(Decision& decision, const Forecaster& forecaster, const Wish& wish,
                  Pattern overlapped, std::uint32_t cap) {
  const bool tests_hold =
      decision.independent.holds && decision.mergeable.holds && decision.worthwhile.holds;
  decision.pattern = wish.pattern.value_or(tests_hold ? overlapped : Pattern::sequential);
  decision.n = decision.chosen().n;
  const bool in_sequence = decision.pattern == Pattern::sequential;
  const std::uint32_t slots = decision.pattern == Pattern::parallel ? cap : decision.n;
  decision.policy = forecaster.policy(slots, in_sequence);
  if (in_sequence) decision.priorities = forecaster.critical_path();
  decision.timeline = decision.chosen().timeline;
}

}  // namespace

const Forecast& Decision::chosen() const {
  switch (pattern) {
    case Pattern::sequential: return sequential;
    case Pattern::parallel: return parallel;
    case Pattern::queue: return queue;
  }
  return sequential;
}

Decision decide(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                const std::vector<Expected>& expected, const Wish& wish) {
  Decision it;
  it.verdicts = verdicts_of(plan);
  it.mergeable = mergeable_test(plan, it.verdicts);
  const bool overlap_wished = wish.pattern && *wish.pattern != Pattern::sequential;
  if (overlap_wished) it.verdicts = unknown_only(plan, std::move(it.verdicts));

  it.lifting = lift(plan, interlocking, expected, wish);
  const footprint::Interlocking& waits = it.lifting.waits;
  const schedule::Problem problem = problem_of(plan, waits, expected, it.verdicts);
  const Forecaster forecaster(problem, plan.limits, expected);
  const std::uint32_t cap = cap_of(plan, wish);
  it.sequential = forecaster.in_sequence();
  it.parallel = forecaster.at_once(cap);
  std::optional<std::uint32_t> natural_width;
  if (plan.tasks.size() <= kMostCounted) natural_width = forecaster.natural_width();
  const Pattern overlapped = overlapping(plan, wish, problem, it, cap, natural_width);
  const std::uint32_t slots = queue_slots(forecaster, it, wish, cap, overlapped == Pattern::queue);

  // The order that is likely to be taken is improved first; the other gets what is left of the
  // time.
  std::vector<std::int64_t> parallel_order, queue_order;
  const std::function<bool()> more = wish.more ? wish.more : [] { return false; };
  const auto improve_queue = [&] {
    it.queue = forecaster.improved(slots == cap ? it.parallel : forecaster.at_once(slots), slots,
                                   more, queue_order);
    it.queue.n = slots;
  };
  if (overlapped == Pattern::queue) improve_queue();
  it.parallel = forecaster.improved(std::move(it.parallel), cap, more, parallel_order);
  if (overlapped != Pattern::queue) improve_queue();

  const Forecast& likely = overlapped == Pattern::queue ? it.queue : it.parallel;
  it.saving = saving_of(plan.limits, problem, it.sequential.elapsed, likely.elapsed);
  for (const Bet& bet : it.lifting.bets) {
    if (bet.refused.empty()) it.saving.conflict += bet.waste;
  }
  it.saving.saved -= it.saving.conflict;
  it.independent = independent_test(plan, waits, it.saving.quota);
  it.worthwhile = worthwhile_test(it.saving, plan.limits.min_saving);
  it.priorities = overlapped == Pattern::queue ? std::move(queue_order) : std::move(parallel_order);
  take_pattern(it, forecaster, wish, overlapped, cap);

  const Asked asked{plan, waits, expected, wish, cap, natural_width};
  it.reasons = reasons_of(asked, it);
  it.changes = changes_of(asked, problem, it);
  it.warnings = warnings_of(asked);
  return it;
}

}  // namespace interlock::decide
