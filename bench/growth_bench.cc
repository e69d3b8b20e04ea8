// What it costs to add one task where 100,000 stand: reading it, finding whom it waits for, and
// giving it to the scheduler.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "bench/no_files.h"
#include "footprint/growing_interlocking.h"
#include "plan/growth.h"
#include "schedule/scheduler.h"

namespace {

using namespace interlock;

constexpr std::size_t kStanding = 100'000;

plan::Plan standing_plan(plan::Files& files) {
  std::string text = "interlock: 1\ntasks:\n";
  for (std::size_t i = 0; i < kStanding; ++i)
    text += fmt::format(
        "- {{id: s{0}, run: [make, a], reads: [in/{1}/{0}], writes: [out/{1}/{0}]}}\n", i, i % 100);
  auto read = plan::read_plan(text, {.file = "standing.yaml", .folder = "/work"}, files);
  check(read.problems.empty(), "the benchmark's plan can be read");
  return std::move(read.plan);
}

void add_one_to_many(benchmark::State& state) {
  bench::NoFiles files;
  plan::Plan plan = standing_plan(files);
  std::vector<std::vector<ResourceId>> locks;
  plan::Growth growth(plan);
  footprint::GrowingInterlocking conflicts(plan::claims_of(plan, locks), {});
  schedule::Problem problem;
  problem.jobs.resize(kStanding);
  schedule::Scheduler scheduler(std::move(problem), {.parallel = 4, .plan_order = false}, {},
                                Time{});
  (void)scheduler.choose_starts(Time{});
  std::size_t added = 0;
  for (auto _ : state) {
    const std::string task = fmt::format(
        R"([{{"id":"a{0}","run":["make","b"],"reads":["out/7/{1}"],"writes":["more/{0}"]}}])",
        added, (7 + 100 * added) % kStanding);
    const auto problems = growth.add(task, {.file = "tasks", .folder = "/work"}, files, plan);
    check(problems.empty(), "the benchmark's tasks can be read");
    const plan::Task& own = plan.tasks.back();
    std::vector<schedule::Link> links;
    for (const footprint::Edge& edge :
         conflicts.add({&own.footprint, own.needs, own.output_of, {}}))
      links.push_back({edge.before, edge.after, edge.why == footprint::Why::needs});
    scheduler.announce(std::vector<schedule::Job>(1), links);
    scheduler.add(1, Time{});
    ++added;
  }
  state.counters["standing"] = static_cast<double>(kStanding);
}
BENCHMARK(add_one_to_many)->Unit(benchmark::kMicrosecond);

}  // namespace
