#include "decide/widths.h"

#include <algorithm>

#include "decide/host_bounds.h"

namespace interlock::decide {
namespace {

using Why = Narrower::Why;

/// One that is in the running.
struct Runner {
  std::uint32_t n = 1;
  Forecast forecast;
  Priorities priorities;

  Duration mean() const { return forecast.range.mean + forecast.range.join; }
};

/// The slowing that may be felt with all slots of the cap, and whose it is.
std::optional<std::string> who_slows(const plan::Plan& plan, const schedule::Problem& problem,
                                     std::uint32_t cap) {
  std::vector<std::size_t> users(problem.slowings.size());
  for (const schedule::Job& job : problem.jobs) {
    if (job.slowing != schedule::kNotSlowed) ++users[job.slowing];
  }
  // As `problem_of` counts them: resources first, then agents.
  std::vector<std::string> names;
  for (const plan::Resource& it : plan.resources) {
    if (it.slowing) names.push_back(it.name);
  }
  for (const plan::Agent& it : plan.agents) {
    if (it.slowing) names.push_back(it.name);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const schedule::Slowing& slowing = problem.slowings[i];
    if (slowing.by > 0 && std::min<double>(static_cast<double>(users[i]), cap) > slowing.beyond)
      return names[i];
  }
  return std::nullopt;
}

/// The quota that admits the work more slowly than the slots of the cap would do it.
std::optional<std::string> who_admits_slowly(const plan::Plan& plan, const Forecaster& forecaster,
                                             std::uint32_t cap) {
  const schedule::Problem& problem = forecaster.problem();
  const Duration bound = schedule::quota_bound(problem);
  if (bound <= std::max(schedule::critical_path(problem), forecaster.work() / cap))
    return std::nullopt;
  for (std::size_t i = 0; i < problem.quotas.size(); ++i) {
    schedule::Problem exclusive;
    exclusive.jobs = problem.jobs;
    exclusive.capacities = problem.capacities;
    exclusive.quotas.resize(problem.quotas.size());
    exclusive.quotas[i] = problem.quotas[i];
    if (schedule::quota_bound(exclusive) == bound) return plan.resources[i].name;
  }
  return std::nullopt;
}

std::vector<std::uint32_t> widths_to_judge(std::uint32_t cap) {
  constexpr std::uint32_t kEach = 8;
  std::vector<std::uint32_t> widths;
  for (std::uint32_t n = 1; n < cap; n = n < kEach ? n + 1 : n + n / 4) widths.push_back(n);
  widths.push_back(cap);
  return widths;
}

/// Looks at a limited number of orders, so that each width that is in the running gets its turn.
std::function<bool()> limited(const std::function<bool()>& more) {
  return [more, left = 300]() mutable { return left-- > 0 && more(); };
}

Runner runner_of(const Forecaster& forecaster, std::uint32_t n, const std::function<bool()>& more) {
  Runner runner{n, forecaster.at_once(n), forecaster.critical_path()};
  const Runner plain = runner;
  runner.forecast = forecaster.improved(std::move(runner.forecast), n, more, runner.priorities);
  runner.forecast.range = forecaster.range(n, false, runner.priorities);
  if (runner.forecast.range.draws == 0 || runner.priorities == plain.priorities) return runner;
  // The search knows estimates alone: neither how far they are off, which may cost more than it
  // found, nor what is done again where tasks meet.
  Runner kept = plain;
  kept.forecast.range = forecaster.range(n, false, kept.priorities);
  return kept.mean() <= runner.mean() ? kept : runner;
}

/// By critical path, to see who is in the running at all.
std::vector<std::uint32_t> in_the_running(const Forecaster& forecaster,
                                          const std::vector<std::uint32_t>& judged) {
  const std::uint32_t cap = judged.back();
  std::vector<std::pair<Duration, std::uint32_t>> means;
  for (const std::uint32_t n : judged) {
    const Range range = forecaster.range(n, false, forecaster.critical_path());
    means.emplace_back(range.mean + range.join, n);
  }
  const Duration least = std::ranges::min(means).first;
  std::vector<std::uint32_t> widths;
  for (const auto& [mean, n] : means) {
    if (mean <= least + least / 20 || n == cap) widths.push_back(n);
  }
  return widths;
}

const Runner& best_where_slowed(const std::vector<Runner>& runners) {
  const Duration least = std::ranges::min_element(runners, {}, &Runner::mean)->mean();
  const auto good = [&](const Runner& it) { return it.mean() <= least + least / 100; };
  return *std::ranges::max_element(runners, {}, [&](const Runner& it) {
    return good(it) ? static_cast<std::int64_t>(it.n) : -it.mean().count();
  });
}

/// Not one whose forecast is below the cap's: that would be luck of the order.
const Runner& fewest_as_fast(const std::vector<Runner>& runners) {
  const Runner& widest = runners.back();
  const auto as_fast = [](Duration time, Duration than) { return time <= than + than / 200; };
  return *std::ranges::find_if(runners, [&](const Runner& it) {
    return as_fast(it.mean(), widest.mean()) &&
           as_fast(it.forecast.range.p90, widest.forecast.range.p90) &&
           as_fast(it.forecast.elapsed, widest.forecast.elapsed) &&
           it.forecast.elapsed >= widest.forecast.elapsed;
  });
}

/// More at once only share the processors: that gets no more done, and each of them takes memory.
const Runner& fewest_on_processors(const std::vector<Runner>& runners) {
  const Runner& widest = runners.back();
  const Duration least = std::ranges::min_element(runners, {}, &Runner::mean)->mean();
  const auto as_fast = [](Duration time, Duration than) { return time <= than + than / 20; };
  return *std::ranges::find_if(runners, [&](const Runner& it) {
    const bool fast = as_fast(it.mean(), least) &&
                      as_fast(it.forecast.range.p90, widest.forecast.range.p90) &&
                      as_fast(it.forecast.elapsed, widest.forecast.elapsed);
    return fast || it.n == widest.n;
  });
}

}  // namespace

Range least_range(const Forecaster& forecaster, std::uint32_t cap) {
  Range least;
  for (const std::uint32_t n : widths_to_judge(cap)) {
    const Range range = forecaster.range(n, false, forecaster.critical_path());
    if (n == 1 || range.mean + range.join < least.mean + least.join) least = range;
  }
  return least;
}

Width choose_width(const plan::Plan& plan, const Forecaster& forecaster, std::uint32_t cap,
                   bool may_be_narrower, bool meet, const std::function<bool()>& more) {
  Width width;
  const auto slows = who_slows(plan, forecaster.problem(), cap);
  const auto admits = slows ? std::nullopt : who_admits_slowly(plan, forecaster, cap);
  const bool shares = processors_may_be_short(forecaster.problem(), cap);
  const bool drawn = draws_for(plan.tasks.size()) > 0;
  if (!may_be_narrower || !drawn || cap == 1 || (!slows && !admits && !shares && !meet)) {
    Runner only = runner_of(forecaster, cap, more);
    return {.n = cap,
            .forecast = only.forecast,
            .priorities = std::move(only.priorities),
            .narrower = {},
            .at_cap = only.forecast};
  }
  std::vector<Runner> runners;
  const bool on_processors = shares && !slows && !admits && !meet;
  for (const std::uint32_t n :
       in_the_running(forecaster, on_processors ? widths_on_processors(forecaster.problem(), cap)
                                                : widths_to_judge(cap)))
    runners.push_back(runner_of(forecaster, n, limited(more)));
  const Runner& widest = runners.back();
  const bool by_mean = slows || !admits;
  const Runner& chosen = on_processors ? fewest_on_processors(runners)
                         : by_mean     ? best_where_slowed(runners)
                                       : fewest_as_fast(runners);
  width.n = chosen.n;
  width.forecast = chosen.forecast;
  width.priorities = chosen.priorities;
  width.at_cap = widest.forecast;
  if (chosen.n < cap) {
    width.narrower = {.why = slows           ? Why::slowing
                             : admits        ? Why::quota
                             : on_processors ? Why::processors
                                             : Why::conflict,
                      .wider = cap,
                      .mean = chosen.mean(),
                      .at_cap = widest.mean(),
                      .name = slows ? *slows : admits.value_or("")};
  }
  return width;
}

}  // namespace interlock::decide
