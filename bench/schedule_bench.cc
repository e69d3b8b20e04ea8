// How good the planned orders are, and how fast the scheduler decides.
//
//   schedule_bench [--json] [PSPLIB FOLDER [MILLISECONDS [EVERY NTH INSTANCE]]]
//
// Order, in so much processor time each: every instance of PSPLIB j30, j60 and j120 (Kolisch &
// Sprecher 1996), against the best known makespan. Speed: a made-up plan of a million tasks and two
// million links, dispatched in virtual time.
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>

#include "bench/psplib.h"
#include "bench/samples.h"
#include "schedule/priority.h"
#include "schedule/simulate.h"

namespace {

using namespace interlock;
using namespace interlock::schedule;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void measure_set(const std::filesystem::path& folder, std::chrono::milliseconds budget,
                 std::size_t every, bool as_json) {
  double gap = 0, plain_gap = 0, worst = 0;
  std::size_t count = 0, reached = 0, tried = 0, at = 0;
  for (const auto& [name, best] : bench::best_known(folder)) {
    const std::filesystem::path path = folder / (name + ".sm");
    if (!std::filesystem::exists(path) || at++ % every != 0) continue;
    const Problem problem = bench::read_sm(path);
    const Policy policy{.parallel = static_cast<std::uint32_t>(problem.jobs.size()),
                        .plan_order = false,
                        .gate_every = {},
                        .on_failure = {}};
    const std::clock_t end = std::clock() + budget.count() * CLOCKS_PER_SEC / 1000;
    const Improved found = improve(problem, policy, [&] { return std::clock() < end; });
    const double elapsed = to_seconds(simulate(problem, policy, found.priorities).elapsed);
    const double plain = to_seconds(simulate(problem, policy, {}).elapsed);
    gap += elapsed / best - 1;
    plain_gap += plain / best - 1;
    worst = std::max(worst, elapsed / best - 1);
    reached += elapsed <= best;
    tried += found.tried;
    ++count;
  }
  if (count == 0) return;
  const auto n = static_cast<double>(count);
  if (as_json) {
    fmt::print(
        R"({{"set":"{}","instances":{},"critical_path":{},"improved":{},"worst":{},"orders":{}}})"
        "\n",
        folder.filename().string(), count, 100 * plain_gap / n, 100 * gap / n, 100 * worst,
        static_cast<double>(tried) / n);
    return;
  }
  fmt::print(
      "{:<5} {:4} instances  critical path {:5.2f} %  improved {:5.2f} % (worst {:5.2f} %)  best "
      "known reached {:3.0f} %  {:.0f} orders tried\n",
      folder.filename().string(), count, 100 * plain_gap / n, 100 * gap / n, 100 * worst,
      100.0 * static_cast<double>(reached) / n, static_cast<double>(tried) / n);
}

void measure_speed(std::size_t jobs) {
  Problem problem;
  problem.capacities = {1000};
  problem.quotas.resize(1);
  std::uint64_t dice = 1;
  const auto roll = [&](std::uint64_t bound) {
    return (dice = dice * 6364136223846793005 + 1442695040888963407) >> 33 == 0
               ? 0
               : (dice >> 33) % bound;
  };
  for (std::size_t i = 0; i < jobs; ++i) {
    Job job;
    job.expected = std::chrono::milliseconds(1 + roll(1000));
    if (i % 4 == 0) job.demands = {{ResourceId(0), static_cast<std::int64_t>(1 + roll(8))}};
    problem.jobs.push_back(std::move(job));
    for (int k = 0; k < 2 && i > 0; ++k)
      problem.links.push_back(
          {TaskId(i - 1 - roll(std::min<std::uint64_t>(i, 10000))), TaskId(i), k == 0});
  }
  const Policy policy{.parallel = 1000, .plan_order = false, .gate_every = {}, .on_failure = {}};
  const auto start = Clock::now();
  const Timeline timeline = simulate(problem, policy, {});
  const double took = seconds_since(start);
  fmt::print(
      "speed {} tasks, {} links: {:.2f} s in all, {:.0f} ns a task, {:.3f} of the lower bound\n",
      jobs, problem.links.size(), took, 1e9 * took / static_cast<double>(jobs),
      to_seconds(timeline.elapsed) / to_seconds(lower_bound(problem, policy)));
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = bench::takes_json(argc, argv);
  const std::filesystem::path folder = argc > 1 ? argv[1] : "../shared/data/psplib";
  const std::chrono::milliseconds budget(argc > 2 ? std::stoi(argv[2]) : 100);
  const std::size_t every = argc > 3 ? std::stoul(argv[3]) : 5;
  if (!as_json && !std::filesystem::exists(folder))
    fmt::print("{} is not there: no orders are measured\n", folder.string());
  for (const char* set : {"j30", "j60", "j120"}) {
    if (std::filesystem::exists(folder / set)) measure_set(folder / set, budget, every, as_json);
  }
  if (!as_json) measure_speed(1'000'000);
}
