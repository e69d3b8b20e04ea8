#include "decide/forecast.h"

#include <algorithm>

#include "schedule/sketch.h"

namespace interlock::decide {
namespace {

template <typename T>
void add(std::optional<T>& sum, const std::optional<T>& part) {
  sum = sum && part ? std::optional(*sum + *part) : std::nullopt;
}

schedule::FailurePolicy policy_of(const plan::OnFailure& on_failure) {
  using Kind = schedule::FailurePolicy::Kind;
  switch (on_failure.kind) {
    case plan::OnFailure::Kind::go_on: return {};
    case plan::OnFailure::Kind::stop: return {Kind::stop, 0};
    case plan::OnFailure::Kind::share: return {Kind::share, on_failure.share};
  }
  return {};
}

/// By critical path, as if those that may meet waited for each other: they commit in plan order, so
/// a later one that is early is only done again.
Priorities first_priorities(const schedule::Problem& problem, const Draws& draws) {
  const auto& conflicts = draws.expected().conflicts;
  if (conflicts.empty()) return schedule::critical_path_priorities(problem);
  schedule::Problem in_order;
  in_order.jobs = problem.jobs;
  in_order.links = problem.links;
  for (const schedule::Conflict& it : conflicts)
    in_order.links.push_back({it.before, it.after, false});
  return schedule::critical_path_priorities(in_order);
}

/// The value that a part of them, `of` a hundred, does not exceed.
Duration percentile(std::vector<Duration>& values, std::size_t of) {
  const std::size_t at = std::min(values.size() - 1, values.size() * of / 100);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

}  // namespace

Forecaster::Forecaster(const schedule::Problem& problem, const plan::Limits& limits,
                       const std::vector<Expected>& expected, const std::vector<Verdict>& verdicts,
                       const Draws& draws)
    : problem_(&problem),
      limits_(&limits),
      expected_(&expected),
      verdicts_(&verdicts),
      draws_(&draws),
      critical_path_(first_priorities(problem, draws)),
      tokens_(0),
      overhead_tokens_(0),
      cost_(0) {
  for (const Expected& it : expected) {
    add(tokens_, it.tokens);
    add(overhead_tokens_, it.overhead_tokens);
    add(cost_, it.cost);
    work_ += it.time;
  }
  add(tokens_, overhead_tokens_);
}

schedule::Policy Forecaster::policy(std::uint32_t n, bool plan_order) const {
  schedule::Policy policy{.parallel = n,
                          .plan_order = plan_order,
                          .gate_every = {},
                          .on_failure = policy_of(limits_->on_failure)};
  if (limits_->gate_every) policy.gate_every = static_cast<std::uint32_t>(*limits_->gate_every);
  return policy;
}

Duration Forecaster::join_of(const schedule::Timeline& timeline) const {
  Duration join{};
  for (std::size_t i = 0; i < timeline.overlapped.size(); ++i) {
    if (timeline.overlapped[i]) join += (*verdicts_)[i].join;
  }
  return join;
}

Forecast Forecaster::with(schedule::Timeline timeline) const {
  Forecast forecast;
  forecast.elapsed = timeline.elapsed;
  forecast.join = join_of(timeline);
  forecast.tokens = tokens_;
  forecast.overhead_tokens = overhead_tokens_;
  forecast.cost = cost_;
  forecast.n = timeline.lanes;
  forecast.timeline = std::move(timeline);
  return forecast;
}

Forecast Forecaster::in_sequence() const {
  return with(schedule::Simulator(*problem_, policy(1, true), {}).play(draws_->expected()));
}

Forecast Forecaster::at_once(std::uint32_t n) const {
  return with(
      schedule::Simulator(*problem_, policy(n, false), critical_path_).play(draws_->expected()));
}

Forecast Forecaster::improved(Forecast plain, std::uint32_t n, const std::function<bool()>& more,
                              Priorities& priorities) const {
  constexpr std::size_t kMostTasks = 20'000;
  priorities = critical_path_;
  if (problem_->jobs.size() > kMostTasks ||
      plain.elapsed == schedule::lower_bound(*problem_, policy(n, false)))
    return plain;
  schedule::Improved found = schedule::improve(*problem_, policy(n, false), more);
  Forecast better = with(
      schedule::Simulator(*problem_, policy(n, false), found.priorities).play(draws_->expected()));
  if (better.elapsed >= plain.elapsed) return plain;
  priorities = std::move(found.priorities);
  return better;
}

Range Forecaster::range(std::uint32_t n, bool plan_order, const Priorities& priorities) const {
  Range range;
  const auto count = static_cast<std::int64_t>(draws_->worlds().size());
  range.draws = static_cast<std::uint32_t>(count);
  if (count == 0) return range;
  schedule::Simulator simulator(*problem_, policy(n, plan_order), priorities);
  std::vector<Duration> elapsed;
  std::optional<Tokens> wasted_tokens = 0;
  for (const schedule::World& world : draws_->worlds()) {
    const schedule::Timeline timeline = simulator.play(world);
    elapsed.push_back(timeline.elapsed);
    range.mean += timeline.elapsed / count;
    range.join += join_of(timeline) / count;
    for (const TaskId task : timeline.redone) {
      const Expected& it = (*expected_)[task.index()];
      add(wasted_tokens,
          it.tokens ? std::optional(*it.tokens + it.overhead_tokens.value_or(0)) : std::nullopt);
    }
    range.redone += static_cast<double>(timeline.redone.size()) / static_cast<double>(count);
  }
  range.wasted_tokens = wasted_tokens ? std::optional(*wasted_tokens / count) : std::nullopt;
  range.p50 = percentile(elapsed, 50);
  range.p90 = percentile(elapsed, 90);
  return range;
}

Duration Forecaster::mean_without_conflicts(std::uint32_t n, const Priorities& priorities) const {
  const auto count = static_cast<std::int64_t>(draws_->worlds().size());
  Duration mean{};
  schedule::Simulator simulator(*problem_, policy(n, false), priorities);
  for (const schedule::World& world : draws_->worlds()) {
    schedule::World apart = world;
    apart.conflicts.clear();
    mean += simulator.play(apart).elapsed / count;
  }
  return mean;
}

std::uint32_t Forecaster::natural_width() const {
  schedule::Problem free = *problem_;
  for (schedule::Job& job : free.jobs) job.demands.clear(), job.costs.clear();
  const auto all = static_cast<std::uint32_t>(std::max<std::size_t>(free.jobs.size(), 1));
  schedule::Policy unbound = policy(all, false);
  unbound.gate_every.reset();
  if (schedule::Sketch::can_draw(free))
    return std::max(schedule::Sketch(free, all).cost(critical_path_).most, 1u);
  return schedule::simulate(free, unbound, critical_path_).lanes;
}

}  // namespace interlock::decide
