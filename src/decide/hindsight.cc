#include "decide/hindsight.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decide/words.h"

namespace interlock::decide {
namespace {

/// The widths that are looked at: each up to eight, then in steps of a quarter, and the cap.
std::vector<std::uint32_t> widths_up_to(std::uint32_t cap) {
  constexpr std::uint32_t kEach = 8;
  std::vector<std::uint32_t> widths;
  for (std::uint32_t n = 2; n < cap; n = n < kEach ? n + 1 : n + n / 4) widths.push_back(n);
  if (cap > 1) widths.push_back(cap);
  return widths;
}

/// What each attempt would have taken alone, without what it waited for.
std::vector<std::vector<Duration>> works_of(const schedule::Problem& problem,
                                            const std::vector<Lived>& lived) {
  std::vector<std::vector<Duration>> works(lived.size());
  std::vector<std::vector<history::Interval>> intervals(problem.slowings.size());
  std::vector<std::vector<std::pair<std::size_t, std::size_t>>> places(problem.slowings.size());
  for (std::size_t i = 0; i < lived.size(); ++i) {
    for (std::size_t k = 0; k < lived[i].attempts.size(); ++k) {
      const Lived::Attempt& it = lived[i].attempts[k];
      const Duration active = std::max(Duration::zero(), it.ended - it.began - it.waited);
      works[i].push_back(active);
      const std::uint32_t slowing = problem.jobs[i].slowing;
      if (slowing == schedule::kNotSlowed) continue;
      intervals[slowing].push_back({it.ended - active, it.ended, "", 1});
      places[slowing].emplace_back(i, k);
    }
  }
  for (std::size_t s = 0; s < intervals.size(); ++s) {
    const schedule::Slowing& it = problem.slowings[s];
    const auto exclusive = history::work_of(intervals[s], {std::llround(it.beyond), it.by});
    for (std::size_t j = 0; j < exclusive.size(); ++j)
      works[places[s][j].first][places[s][j].second] = exclusive[j];
  }
  return works;
}

std::vector<Expected> expected_of(const std::vector<Lived>& lived) {
  std::vector<Expected> expected(lived.size());
  for (std::size_t i = 0; i < lived.size(); ++i) {
    const bool ran = !lived[i].attempts.empty();
    expected[i].tokens = ran ? lived[i].tokens : 0;
    expected[i].output_tokens = lived[i].output_tokens;
    expected[i].cost = ran ? lived[i].cost : 0;
    expected[i].overhead_tokens = 0;  // The tokens are all there were.
  }
  return expected;
}

schedule::World world_of(const std::vector<Lived>& lived,
                         const std::vector<std::vector<Duration>>& works) {
  schedule::World world;
  for (std::size_t i = 0; i < lived.size(); ++i) {
    schedule::Fate fate;
    for (std::size_t k = 0; k < works[i].size(); ++k) {
      if (lived[i].attempts[k].counts)
        fate.takes = works[i][k];
      else
        fate.failures.push_back({works[i][k], lived[i].attempts[k].pause});
    }
    world.fates.push_back(std::move(fate));
  }
  return world;
}

}  // namespace

Hindsight look_back(const plan::Plan& plan, const footprint::Interlocking& waits,
                    const Decision& decision, const std::vector<Lived>& lived) {
  schedule::Problem problem = problem_of(plan, waits, expected_of(lived), decision.verdicts);
  const auto works = works_of(problem, lived);
  const schedule::World world = world_of(lived, works);
  for (std::size_t i = 0; i < lived.size(); ++i) {
    problem.jobs[i].expected = world.fates[i].takes;
    problem.jobs[i].first_of = schedule::kNoGroup;  // Tries took what they took.
    if (lived[i].attempts.empty()) problem.jobs[i].costs.clear();
    for (schedule::Cost& draw : problem.jobs[i].costs)
      draw.requests = std::max<std::int64_t>(draw.requests, lived[i].requests);
  }
  const auto all = static_cast<std::uint32_t>(std::max<std::size_t>(1, plan.tasks.size()));
  const std::uint32_t cap = std::min(
      {std::max(decision.policy.parallel,
                static_cast<std::uint32_t>(std::max<std::int64_t>(1, plan.limits.parallel))),
       all, 1024u});
  Hindsight it;
  const auto play = [&](std::uint32_t n, bool plan_order) {
    schedule::Policy policy;
    policy.parallel = n;
    policy.plan_order = plan_order;
    return schedule::Simulator(problem, policy, decision.priorities).play(world).elapsed;
  };
  it.ways.push_back({"sequential", 1, play(1, true)});
  // Of very large plans only what was decided, and all that the cap allows.
  constexpr std::size_t kAllWidths = 5000;
  std::vector<std::uint32_t> widths =
      plan.tasks.size() <= kAllWidths ? widths_up_to(cap) : std::vector<std::uint32_t>{cap};
  if (decision.pattern != Pattern::sequential)
    widths.push_back(std::min(decision.policy.parallel, all));
  std::ranges::sort(widths);
  widths.erase(std::ranges::unique(widths).begin(), widths.end());
  for (const std::uint32_t n : widths) {
    const bool parallel = decision.pattern == Pattern::parallel
                              ? n == decision.policy.parallel || n == cap
                              : n == all;
    it.ways.push_back({parallel ? "parallel" : fmt::format("queue({})", n), n, play(n, false)});
  }
  if (decision.pattern != Pattern::sequential) {
    const std::uint32_t n = std::min(decision.policy.parallel, all);
    for (std::size_t i = 1; i < it.ways.size(); ++i) {
      if (it.ways[i].n == n) it.decided = i;
    }
  }
  it.best = it.decided;
  for (std::size_t i = 0; i < it.ways.size(); ++i) {
    if (it.ways[i].elapsed < it.ways[it.best].elapsed) it.best = i;
  }
  it.slowed_unknown = std::ranges::any_of(
      problem.jobs, [](const schedule::Job& job) { return job.slowing == schedule::kNotSlowed; });
  return it;
}

std::string say_regret(const history::Regret& it) {
  const Duration less = it.took - it.best_took;
  constexpr std::int64_t kShown = 50;  // Two percent.
  std::string text;
  if (less * kShown <= it.took) {
    text = fmt::format("nothing would have been faster than {}", it.pattern);
  } else {
    text =
        fmt::format("{} would have taken {}, {:.0f} % less", it.best, show_time_taken(it.best_took),
                    100 * static_cast<double>(less.count()) / static_cast<double>(it.took.count()));
  }
  if (!it.not_counted.empty()) text += fmt::format(" (not counted: {})", it.not_counted);
  return text;
}

}  // namespace interlock::decide
