#include <algorithm>

#include "decide/alternatives.h"
#include "decide/batches.h"
#include "decide/criteria.h"
#include "decide/decision.h"
#include "decide/draws.h"
#include "decide/explain.h"
#include "decide/forecast.h"
#include "decide/host_bounds.h"
#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "decide/widths.h"

namespace interlock::decide {
namespace {

/// Above this many tasks it is not counted how many could run at once without a cap.
constexpr std::size_t kMostCounted = 100'000;

std::uint32_t cap_of(const plan::Plan& plan, const Options& options) {
  const std::int64_t asked =
      options.parallel ? static_cast<std::int64_t>(*options.parallel) : plan.limits.parallel;
  const auto tasks = static_cast<std::int64_t>(plan.tasks.size());
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(asked, 1, std::max<std::int64_t>(tasks, 1)));
}

bool is_asked(const Options& options, Pattern pattern) { return options.pattern == pattern; }
bool overlap_is_asked(const Options& options) {
  return options.pattern && !is_asked(options, Pattern::sequential);
}

/// With the quotas as they are when the run begins, and the processors of the host.
schedule::Problem foreseen_problem(const plan::Plan& plan, const footprint::Interlocking& waits,
                                   const std::vector<Expected>& expected,
                                   const std::vector<Verdict>& verdicts, const Options& options) {
  schedule::Problem problem = problem_of(plan, waits, expected, verdicts);
  for (std::size_t i = 0; i < options.backlog.size(); ++i) {
    schedule::QuotaRates& quota = problem.quotas[i];
    quota.backlog = options.backlog[i];
    if (quota.window == Duration::zero()) quota.window = quota.backlog.window;
    quota.requests = schedule::stricter_rate(quota.requests, quota.backlog.requests_limit);
    quota.input_tokens =
        schedule::stricter_rate(quota.input_tokens, quota.backlog.input_tokens_limit);
    quota.output_tokens =
        schedule::stricter_rate(quota.output_tokens, quota.backlog.output_tokens_limit);
  }
  share_processors(plan, expected, options, problem);
  return problem;
}

/// Which tasks run alone because joining what they return would take longer than overlapping saves:
/// none, those that are no longer than it takes, or all. Judged with all slots of the cap.
std::vector<Verdict> settle_joining(const plan::Plan& plan, const footprint::Interlocking& waits,
                                    const std::vector<Expected>& expected, const Draws& draws,
                                    std::vector<Verdict> verdicts, const Options& options,
                                    std::uint32_t cap) {
  const auto has_price = [](const Verdict& it) { return it.join > Duration::zero(); };
  if (std::ranges::none_of(verdicts, has_price)) return verdicts;
  std::vector<std::vector<Verdict>> ways{keep_exclusive(plan, expected, verdicts, true),
                                         keep_exclusive(plan, expected, verdicts, false)};
  ways.push_back(std::move(verdicts));
  Duration least = Duration::max();
  std::size_t best = 0;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const schedule::Problem problem = foreseen_problem(plan, waits, expected, ways[i], options);
    const Forecaster forecaster(problem, plan.limits, expected, ways[i], draws);
    const Range range = forecaster.range(cap, false, forecaster.critical_path());
    const Forecast plain = range.draws > 0 ? Forecast{} : forecaster.at_once(cap);
    const Duration takes = range.draws > 0 ? range.mean + range.join : plain.elapsed + plain.join;
    if (takes < least) least = takes, best = i;
  }
  return std::move(ways[best]);
}

/// Which of the two overlapping patterns it is.
Pattern overlapping(const plan::Plan& plan, const Options& options, const Width& width,
                    std::uint32_t cap, std::optional<std::uint32_t> natural_width) {
  if (overlap_is_asked(options)) return *options.pattern;
  const bool all_fit = natural_width && *natural_width <= cap && width.n == cap;
  const bool reviewed = plan.limits.gate_every &&
                        *plan.limits.gate_every < static_cast<std::int64_t>(plan.tasks.size());
  return all_fit && !reviewed ? Pattern::parallel : Pattern::queue;
}

/// A queue to compare with: one slot less than are used. Fewer still where that would, by luck of
/// the order, be shown faster than all of them.
Forecast queue_beside(const Forecaster& forecaster, const Forecast& parallel) {
  std::uint32_t n = std::max(parallel.n, 2u) - 1;
  Forecast queue = forecaster.at_once(n);
  while (n > 1 && queue.elapsed < parallel.elapsed) queue = forecaster.at_once(--n);
  queue.n = n;
  queue.range = forecaster.range(n, false, forecaster.critical_path());
  return queue;
}

Saving saving_of(const plan::Limits& limits, const Forecaster& forecaster, const Decision& it,
                 const Forecast& overlapped, const Width& width) {
  const schedule::Problem& problem = forecaster.problem();
  Saving saving;
  saving.sequential = it.sequential.elapsed;
  saving.critical_path = schedule::critical_path(problem);
  saving.quota = schedule::quota_bound(problem);
  Duration apart = overlapped.elapsed;
  if (!it.speculation.risks.empty()) {
    apart = schedule::Simulator(problem, forecaster.policy(width.n, false), width.priorities)
                .play({})
                .elapsed;
    const Duration expected =
        overlapped.range.draws == 0
            ? Duration::zero()
            : overlapped.range.mean - forecaster.mean_without_conflicts(width.n, width.priorities);
    saving.conflict = std::max({Duration::zero(), overlapped.elapsed - apart, expected});
  }
  saving.overhead = apart - std::max(saving.critical_path, saving.quota);
  saving.merge = overlapped.join;
  saving.saved = saving.sequential - apart - saving.conflict - saving.merge;
  saving.required = std::max(limits.min_saving, saving.sequential / 10);
  if (overlapped.range.draws > 0) {
    saving.mean_sequential = it.sequential.range.mean;
    saving.mean_saved = it.sequential.range.mean - overlapped.range.mean - overlapped.range.join;
  }
  return saving;
}

/// With as many slots, up to the cap, as are expected to be the fastest.
Range range_with(const plan::Plan& plan, const Speculation& speculation,
                 const std::vector<Expected>& expected, const Options& options, std::uint32_t cap) {
  const Draws draws(plan, expected, speculation.risks);
  std::vector<Verdict> verdicts = verdicts_of(plan);
  price_joining(plan, expected, verdicts);
  const schedule::Problem problem =
      foreseen_problem(plan, speculation.waits, expected, verdicts, options);
  const Forecaster forecaster(problem, plan.limits, expected, verdicts, draws);
  return least_range(forecaster, cap);
}

/// Conflicts whose odds are known are a price, as other waste is. Where the plan says nothing of
/// speculation but states the odds, those who conflict less often than not take the risk, if that
/// saves what the plan asks for. Where it asks for speculation, the others do too where that is
/// expected to save time: a hundredth, as slots are free and draws are few.
Speculation lift_what_pays(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                           const std::vector<Expected>& expected, const Options& options,
                           std::uint32_t cap) {
  const auto lifted = [&](SpeculationScope scope, double most_odds = 1) {
    return lift(plan, interlocking, expected, options, scope, most_odds);
  };
  const auto takes = [&](const Speculation& speculation) {
    const Range range = range_with(plan, speculation, expected, options, cap);
    return range.mean + range.join;
  };
  constexpr double kMoreOftenThanNot = 0.5;
  const bool played = !options.pattern && cap >= 2 && draws_for(plan.tasks.size()) > 0;
  if (plan.limits.speculate) {
    Speculation careful = lifted(SpeculationScope::all, kMoreOftenThanNot);
    Speculation bold = lifted(SpeculationScope::all);
    if (!played || bold.lifted == careful.lifted) return careful;
    const Duration time = takes(careful);
    return takes(bold) <= time - time / 100 ? bold : careful;
  }
  Speculation waiting = lifted(SpeculationScope::none);
  const bool stated = std::ranges::any_of(
      plan.tasks, [](const plan::Task& task) { return task.estimate.conflicts.has_value(); });
  if (!played || !stated || plan.limits.speculate_said) return waiting;
  Speculation careful = lifted(SpeculationScope::stated, kMoreOftenThanNot);
  if (std::ranges::count(careful.lifted, true) == 0) return waiting;
  const Duration waits = takes(waiting);
  return waits - takes(careful) >= std::max(plan.limits.min_saving, waits / 10) ? careful : waiting;
}

/// What speculation would bring where the plan does not ask for it.
std::optional<Offer> offer_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                              const std::vector<Expected>& expected, const Options& options,
                              std::uint32_t cap, Duration mean) {
  const bool said = plan.limits.speculate || plan.limits.speculate_said;
  if (said || options.pattern || cap < 2 || draws_for(plan.tasks.size()) == 0 ||
      !may_speculate(plan, interlocking))
    return std::nullopt;
  const Speculation speculation =
      lift(plan, interlocking, expected, options, SpeculationScope::all);
  const Range range = range_with(plan, speculation, expected, options, cap);
  const Duration takes = range.mean + range.join;
  if (mean - takes < std::max(plan.limits.min_saving, mean / 10)) return std::nullopt;
  return Offer{.tasks = static_cast<std::size_t>(std::ranges::count(speculation.lifted, true)),
               .mean = takes,
               .instead = mean,
               .redone = range.redone,
               .wasted_tokens = range.wasted_tokens};
}

/// What each way costs, beyond the work and the tax that are the same in all.
void price(const plan::Plan& plan, const std::vector<Expected>& expected, Decision& it) {
  for (Forecast* forecast : {&it.sequential, &it.parallel, &it.queue}) {
    forecast->cached_tokens = cached_tokens_of(plan, expected, forecast->timeline);
    forecast->cost = cost_with(expected, forecast->cached_tokens, forecast->range.wasted_tokens);
  }
  it.one_agent = one_agent_of(plan, expected, it.sequential);
}

/// Where tasks run one by one because they might meet, or because joining what they return takes
/// too long, the other columns say what the patterns would take if they were asked for.
void forecast_what_was_not_taken(const plan::Plan& plan,
                                 const footprint::Interlocking& interlocking,
                                 const std::vector<Expected>& expected, const Options& options,
                                 std::uint32_t cap, Decision& it) {
  if (options.pattern || it.pattern != Pattern::sequential || cap < 2) return;
  Options forced = options;
  forced.pattern = Pattern::parallel;
  const Speculation speculation =
      lift(plan, interlocking, expected, forced, SpeculationScope::none);
  const bool some_join = std::ranges::any_of(
      it.verdicts, [](const Verdict& one) { return one.exclusive && one.join > Duration::zero(); });
  if (speculation.edges_lifted == 0 && !some_join) return;
  const Draws draws(plan, expected, speculation.risks);
  const std::vector<Verdict> verdicts = verdicts_of(plan);
  const schedule::Problem problem =
      foreseen_problem(plan, speculation.waits, expected, verdicts, options);
  const Forecaster forecaster(problem, plan.limits, expected, verdicts, draws);
  it.parallel = forecaster.at_once(cap);
  it.parallel.range = forecaster.range(cap, false, forecaster.critical_path());
  it.queue = queue_beside(forecaster, it.parallel);
}

void take_pattern(Decision& decision, const Forecaster& forecaster, const Options& options,
                  Pattern overlapped, std::uint32_t cap) {
  const bool tests_hold =
      decision.independent.holds && decision.mergeable.holds && decision.worthwhile.holds;
  decision.pattern = options.pattern.value_or(tests_hold ? overlapped : Pattern::sequential);
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
                const std::vector<Expected>& apart, const Options& options) {
  Decision it;
  it.memory = memory_bound(apart, options.host, cap_of(plan, options));
  // Where a person asks for so many, the page says what they may need.
  const bool person_says = options.parallel || overlap_is_asked(options);
  const std::uint32_t cap = it.memory && !person_says ? it.memory->at_once : cap_of(plan, options);
  it.batching = batches_of(plan, interlocking, apart, cap);
  const std::vector<Expected> expected = with_batches(apart, it.batching);
  it.verdicts = verdicts_of(plan);
  price_joining(plan, expected, it.verdicts);
  it.speculation = lift_what_pays(plan, interlocking, expected, options, cap);
  const footprint::Interlocking& waits = it.speculation.waits;
  const Draws draws(plan, expected, it.speculation.risks);
  if (!overlap_is_asked(options))
    it.verdicts =
        settle_joining(plan, waits, expected, draws, std::move(it.verdicts), options, cap);
  const schedule::Problem problem = foreseen_problem(plan, waits, expected, it.verdicts, options);
  const Forecaster forecaster(problem, plan.limits, expected, it.verdicts, draws);

  it.sequential = forecaster.in_sequence();
  it.sequential.range = forecaster.range(1, true, {});
  std::optional<std::uint32_t> natural_width;
  if (plan.tasks.size() <= kMostCounted) natural_width = forecaster.natural_width();
  const std::function<bool()> more = options.more ? options.more : [] { return false; };
  const bool one_less = is_asked(options, Pattern::queue) && !options.parallel;
  const bool may_be_narrower = !overlap_is_asked(options);
  const std::uint32_t slots =
      one_less ? std::max(std::min(cap, natural_width.value_or(cap)), 2u) - 1 : cap;
  Width width =
      choose_width(plan, forecaster, slots, may_be_narrower, !it.speculation.risks.empty(), more);
  const Pattern overlapped = overlapping(plan, options, width, cap, natural_width);
  it.narrower = width.narrower;
  it.parallel = width.at_cap;
  if (one_less) {
    it.parallel = forecaster.at_once(cap);
    it.parallel.range = forecaster.range(cap, false, forecaster.critical_path());
  }
  if (overlapped == Pattern::queue) {
    it.queue = width.forecast;
    it.queue.n = width.n;
    // More slots can always be used as fewer are.
    const bool wider_is_slower =
        it.narrower.why == Narrower::Why::slowing || it.narrower.why == Narrower::Why::conflict;
    if (!wider_is_slower && it.queue.elapsed < it.parallel.elapsed && options.more)
      it.parallel = width.forecast;
  } else {
    it.queue = queue_beside(forecaster, it.parallel);
  }

  const Forecast& likely = overlapped == Pattern::queue ? it.queue : it.parallel;
  it.saving = saving_of(plan.limits, forecaster, it, likely, width);
  it.independent = independent_test(plan, waits, it.speculation.joined, it.saving.quota);
  it.mergeable = mergeable_test(plan, it.verdicts, likely);
  it.worthwhile = worthwhile_test(it.saving, plan.limits.min_saving);
  it.priorities = std::move(width.priorities);
  take_pattern(it, forecaster, options, overlapped, cap);
  it.offer = offer_of(plan, interlocking, expected, options, cap,
                      it.chosen().range.mean + it.chosen().range.join);

  forecast_what_was_not_taken(plan, interlocking, expected, options, cap, it);
  price(plan, expected, it);
  it.provider_batch = provider_batch_of(plan, waits, expected);

  const Asked asked{plan, waits, apart, options, cap, natural_width};
  it.reasons = reasons_of(asked, it);
  it.changes = changes_of(asked, problem, it);
  it.warnings = warnings_of(asked, it);
  it.left_out = left_out_of(asked, problem, it);
  return it;
}

}  // namespace interlock::decide
