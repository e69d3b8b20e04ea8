// What a better order of starts is worth when nobody knows how long tasks take.
//
//   noise_bench [--json] [PSPLIB FOLDER [EVERY NTH INSTANCE [WORLDS]]]
//
// An order is looked for by the estimates, with growing effort, and then played by the scheduler
// that runs plans: in the world as estimated, and in worlds where each duration is its estimate
// times a lognormal factor whose deviation is a factor of two, as agents' are. What is printed is
// by how much it is shorter than the order of the critical path in the same world. Instances are
// PSPLIB's j30, j60 and j120 where the folder has them, and always plans made from a seed.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "bench/psplib.h"
#include "bench/samples.h"
#include "schedule/priority.h"
#include "schedule/simulate.h"

namespace interlock {
namespace {

using schedule::Policy;
using schedule::Problem;

constexpr int kEffortsMs[] = {1, 10, 100};
constexpr std::size_t kMade = 480;  ///< Before every nth of them is taken.
constexpr int kTried = 16;

/// Tasks of half a minute to some minutes, each after up to two of those before it; half of them
/// need slots.
Problem made_problem(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto roll = [&](std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(random() % (most - least + 1));
  };
  Problem problem;
  problem.capacities = {4, 6};
  problem.quotas.resize(2);
  for (std::uint32_t i = 0; i < 60; ++i) {
    schedule::Job job;
    job.expected = std::chrono::seconds(roll(5, 120));
    if (roll(0, 1) == 0)
      job.demands = {{ResourceId(roll(0, 1)), static_cast<std::int64_t>(roll(1, 3))}};
    problem.jobs.push_back(std::move(job));
    for (std::uint32_t k = roll(0, 2); i > 0 && k > 0; --k)
      problem.links.push_back({TaskId(i - 1 - roll(0, std::min(i - 1, 9U))), TaskId(i), true});
  }
  return problem;
}

Policy policy_of(const Problem& problem) {
  return {.parallel = static_cast<std::uint32_t>(problem.jobs.size()),
          .plan_order = false,
          .gate_every = {},
          .on_failure = {}};
}

/// The same work, and how long it really takes.
Problem as_it_comes(Problem problem, std::mt19937& random) {
  std::normal_distribution<double> normal;
  for (schedule::Job& job : problem.jobs) {
    const double factor = std::exp(std::numbers::ln2 * normal(random));
    job.expected = Duration(std::llround(static_cast<double>(job.expected.count()) * factor));
  }
  return problem;
}

struct Saved {
  std::vector<double> exact, wrong, chosen;  ///< In percent; by instance, and by world.
};

double percent_saved(const Problem& problem, const std::vector<std::int64_t>& plain,
                     const std::vector<std::int64_t>& improved) {
  const Policy policy = policy_of(problem);
  const double before = to_seconds(simulate(problem, policy, plain).elapsed);
  return 100 * (1 - to_seconds(simulate(problem, policy, improved).elapsed) / before);
}

void add_instance(const Problem& problem, int effort_ms, int worlds, std::uint32_t seed,
                  Saved& saved) {
  const std::clock_t end = std::clock() + effort_ms * CLOCKS_PER_SEC / 1000;
  const std::vector<std::int64_t> plain = schedule::critical_path_priorities(problem);
  const std::vector<std::int64_t> improved =
      schedule::improve(problem, policy_of(problem), [&] { return std::clock() < end; }).priorities;
  saved.exact.push_back(percent_saved(problem, plain, improved));
  std::mt19937 random(seed), tried(~seed);
  double in_the_mean = 0;
  for (int world = 0; world < kTried; ++world)
    in_the_mean += percent_saved(as_it_comes(problem, tried), plain, improved);
  for (int world = 0; world < worlds; ++world) {
    saved.wrong.push_back(percent_saved(as_it_comes(problem, random), plain, improved));
    saved.chosen.push_back(in_the_mean > 0 ? saved.wrong.back() : 0);
  }
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}
double deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

void measure(const std::string& set, const std::vector<Problem>& problems, int worlds,
             bool as_json) {
  if (problems.empty()) return;
  for (const int effort_ms : kEffortsMs) {
    Saved saved;
    for (std::uint32_t seed = 0; const Problem& problem : problems)
      add_instance(problem, effort_ms, worlds, ++seed, saved);
    if (as_json) {
      fmt::print(
          R"({{"set":"{}","effort_ms":{},"instances":{},"exact":{},"wrong":{},"chosen":{},"spread":{}}})"
          "\n",
          set, effort_ms, problems.size(), mean(saved.exact), mean(saved.wrong), mean(saved.chosen),
          deviation(saved.wrong));
    } else {
      fmt::print(
          "{:<6}{:4} instances {:5} ms: {:5.2f} % shorter as estimated, {:5.2f} % when off by "
          "two (deviation of the worlds {:.2f}), {:5.2f} % if taken only where it pays\n",
          set, problems.size(), effort_ms, mean(saved.exact), mean(saved.wrong),
          deviation(saved.wrong), mean(saved.chosen));
    }
  }
}

std::vector<Problem> instances(const std::filesystem::path& folder, std::size_t every) {
  std::vector<Problem> problems;
  if (!std::filesystem::exists(folder)) return problems;
  for (std::size_t at = 0; const auto& [name, best] : bench::best_known(folder)) {
    const std::filesystem::path path = folder / (name + ".sm");
    if (std::filesystem::exists(path) && at++ % every == 0)
      problems.push_back(bench::read_sm(path));
  }
  return problems;
}

}  // namespace
}  // namespace interlock

int main(int argc, char** argv) {
  const bool as_json = interlock::bench::takes_json(argc, argv);
  const std::filesystem::path folder = argc > 1 ? argv[1] : "../shared/data/psplib";
  const std::size_t every = argc > 2 ? std::stoul(argv[2]) : 20;
  const int worlds = argc > 3 ? std::stoi(argv[3]) : 10;
  std::vector<interlock::schedule::Problem> made;
  for (std::uint32_t seed = 0; seed < interlock::kMade; seed += static_cast<std::uint32_t>(every))
    made.push_back(interlock::made_problem(seed));
  interlock::measure("made", made, worlds, as_json);
  for (const char* set : {"j30", "j60", "j120"})
    interlock::measure(set, interlock::instances(folder / set, every), worlds, as_json);
}
