#include "decide/forecast.h"

#include <algorithm>

namespace interlock::decide {
namespace {

template <typename T>
void add(std::optional<T>& sum, const std::optional<T>& part) {
  sum = sum && part ? std::optional(*sum + *part) : std::nullopt;
}

std::uint32_t width_of(const schedule::Timeline& timeline) {
  std::uint32_t width = 1;
  for (const schedule::Slot& slot : timeline.slots) width = std::max(width, slot.lane + 1);
  return width;
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

}  // namespace

Forecaster::Forecaster(const schedule::Problem& problem, const plan::Limits& limits,
                       const std::vector<Expected>& expected)
    : problem_(&problem),
      limits_(&limits),
      critical_path_(schedule::critical_path_priorities(problem)),
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

Forecast Forecaster::with(schedule::Timeline timeline) const {
  return {.elapsed = timeline.elapsed,
          .tokens = tokens_,
          .overhead_tokens = overhead_tokens_,
          .cost = cost_,
          .n = width_of(timeline),
          .timeline = std::move(timeline)};
}

Forecast Forecaster::in_sequence() const {
  return with(schedule::simulate(*problem_, policy(1, true), {}));
}

Forecast Forecaster::at_once(std::uint32_t n) const {
  return with(schedule::simulate(*problem_, policy(n, false), critical_path_));
}

Forecast Forecaster::improved(Forecast plain, std::uint32_t n, const std::function<bool()>& more,
                              std::vector<std::int64_t>& priorities) const {
  constexpr std::size_t kMostTasks = 20'000;
  priorities = critical_path_;
  if (problem_->jobs.size() > kMostTasks ||
      plain.elapsed == schedule::lower_bound(*problem_, policy(n, false)))
    return plain;
  schedule::Improved found = schedule::improve(*problem_, policy(n, false), more);
  if (found.elapsed >= plain.elapsed) return plain;
  priorities = std::move(found.priorities);
  return with(schedule::simulate(*problem_, policy(n, false), priorities));
}

std::uint32_t Forecaster::fewest_sufficient(std::uint32_t cap, Duration with_cap) const {
  const Duration enough = with_cap * 100 / 95;
  // No fewer can do the work in time, whatever the order.
  const auto least =
      enough > Duration::zero() ? (work_.count() + enough.count() - 1) / enough.count() : 1;
  for (auto n = static_cast<std::uint32_t>(std::max<std::int64_t>(least, 1)); n < cap; ++n) {
    if (at_once(n).elapsed <= enough) return n;
  }
  return cap;
}

std::uint32_t Forecaster::natural_width() const {
  schedule::Problem free = *problem_;
  for (schedule::Job& job : free.jobs) job.demands.clear(), job.draws.clear();
  const auto all = static_cast<std::uint32_t>(std::max<std::size_t>(free.jobs.size(), 1));
  return width_of(schedule::simulate(free, policy(all, false), critical_path_));
}

}  // namespace interlock::decide
