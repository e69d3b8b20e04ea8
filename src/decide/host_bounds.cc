#include "decide/host_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "decide/words.h"

namespace interlock::decide {
namespace {

/// Below that a task waits for something else nearly all of its time.
constexpr double kLeastCores = 0.01;

/// Where history saw how tasks of an agent slow each other, and saw that they do not as far as it
/// saw, that says nothing of more at once.
bool is_only_seen_flat(const plan::Plan& plan, const plan::Task& task, const Options& options) {
  const bool by_resource = std::ranges::any_of(task.uses, [&](const plan::Use& use) {
    return plan.resources[use.resource.index()].slowing.has_value();
  });
  if (by_resource) return false;
  const plan::Agent& agent = plan.agents[task.agent.index()];
  return agent.slowing && agent.slowing->by <= 0 && options.learned.contains(agent.name);
}

/// Of the tasks that share the processors, the largest first.
std::vector<double> loads_of(const schedule::Problem& problem) {
  std::vector<double> loads;
  for (const schedule::Job& job : problem.jobs) {
    if (job.slowing == problem.processors) loads.push_back(job.load);
  }
  std::ranges::sort(loads, std::greater<>());
  return loads;
}

}  // namespace

std::optional<MemoryBound> memory_bound(const std::vector<Expected>& expected, const Host& host,
                                        std::uint32_t cap) {
  if (!host.memory_bytes) return std::nullopt;
  std::vector<const Expected*> takers;
  for (const Expected& it : expected) {
    if (it.machine.memory_bytes && !it.batched_with) takers.push_back(&it);
  }
  std::ranges::stable_sort(takers, std::greater<>(),
                           [](const Expected* it) { return *it->machine.memory_bytes; });
  const std::int64_t usable = *host.memory_bytes - *host.memory_bytes / 10;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(cap, takers.size()); ++i) {
    sum += *takers[i]->machine.memory_bytes;
    if (sum <= usable) continue;
    return MemoryBound{.at_once = static_cast<std::uint32_t>(std::max<std::size_t>(i, 1)),
                       .largest_bytes = *takers.front()->machine.memory_bytes,
                       .free_bytes = *host.memory_bytes,
                       .attempts = takers.front()->machine.attempts};
  }
  return std::nullopt;
}

void share_processors(const plan::Plan& plan, const std::vector<Expected>& expected,
                      const Options& options, schedule::Problem& problem) {
  if (!options.host.processors) return;
  const double processors = *options.host.processors;
  std::vector<std::size_t> sharing;
  double all = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::optional<double>& cores = expected[i].machine.cores;
    if (!cores || *cores < kLeastCores || expected[i].batched_with) continue;
    if (problem.jobs[i].slowing != schedule::kNotSlowed &&
        !is_only_seen_flat(plan, plan.tasks[i], options))
      continue;
    sharing.push_back(i);
    all += *cores;
  }
  if (all <= processors) return;
  problem.processors = static_cast<std::uint32_t>(problem.slowings.size());
  problem.slowings.push_back({processors, 1 / processors});
  for (const std::size_t i : sharing) {
    problem.jobs[i].slowing = problem.processors;
    problem.jobs[i].load = *expected[i].machine.cores;
  }
}

bool processors_may_be_short(const schedule::Problem& problem, std::uint32_t cap) {
  if (problem.processors == schedule::kNotSlowed) return false;
  const std::vector<double> loads = loads_of(problem);
  double most = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(cap, loads.size()); ++i) most += loads[i];
  return most > problem.slowings[problem.processors].beyond;
}

std::vector<std::uint32_t> widths_on_processors(const schedule::Problem& problem,
                                                std::uint32_t cap) {
  constexpr std::uint32_t kSteps = 4;
  const std::vector<double> loads = loads_of(problem);
  const double processors = problem.slowings[problem.processors].beyond;
  double sum = 0;
  for (const double load : loads) sum += load;
  const double filled_by_usual = processors * static_cast<double>(loads.size()) / sum;
  const auto within_cap = [&](double n) {
    return static_cast<std::uint32_t>(std::clamp<double>(n, 1, cap));
  };
  const std::uint32_t first = within_cap(std::floor(processors / loads.front()));
  const std::uint32_t last = within_cap(std::ceil(2 * filled_by_usual));
  const std::uint32_t step = std::max(1u, (std::max(last, first) - first) / kSteps);
  std::vector<std::uint32_t> widths;
  for (std::uint32_t n = first; n <= last && n < cap; n += step) widths.push_back(n);
  widths.push_back(cap);
  return widths;
}

std::string say_processors(double count) {
  const bool whole = std::abs(count - std::round(count)) < 0.05;
  return whole ? count_of(static_cast<std::size_t>(std::llround(count)), "processor")
               : fmt::format("{:.1f} processors", count);
}

std::string say_memory(std::int64_t bytes) {
  constexpr double kMiB = 1 << 20, kGiB = 1 << 30;
  const auto amount = static_cast<double>(bytes);
  return amount < kGiB ? fmt::format("{:.0f} MiB", amount / kMiB)
                       : fmt::format("{:.1f} GiB", amount / kGiB);
}

std::string say_demand(const std::vector<Expected>& expected, double processors) {
  std::vector<double> cores;
  std::vector<std::uint32_t> attempts;
  for (const Expected& it : expected) {
    if (!it.machine.cores || *it.machine.cores < kLeastCores) continue;
    cores.push_back(*it.machine.cores);
    attempts.push_back(it.machine.attempts);
  }
  if (cores.empty()) return "This host has " + say_processors(processors);
  const auto [least, most] = std::ranges::minmax(cores);
  const auto [fewest, all] = std::ranges::minmax(attempts);
  const std::string low = fmt::format("{:.1f}", least), high = fmt::format("{:.1f}", most);
  return fmt::format(
      "This host has {}, and a task keeps {} of one busy (from {})", say_processors(processors),
      low == high ? high : low + " to " + high,
      fewest == all ? count_of(all, "attempt") : fmt::format("{} to {} attempts", fewest, all));
}

}  // namespace interlock::decide
