// How long the interlocking of large plans takes, footprints already parsed; `edges` says what came
// out.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>
#include <vector>

#include "base/check.h"
#include "footprint/interlocking.h"

namespace {

using namespace interlock::footprint;

class Footprints {
 public:
  void add(const std::vector<std::string>& reads, const std::vector<std::string>& writes) {
    footprints_.push_back({parse(reads), parse(writes), false});
  }
  void add_unknown() { footprints_.push_back({{}, {}, true}); }

  std::vector<Claim> claims() const {
    std::vector<Claim> claims;
    for (const Footprint& footprint : footprints_) claims.push_back({&footprint, {}, {}, {}});
    return claims;
  }

 private:
  static PatternSet parse(const std::vector<std::string>& patterns) {
    auto set = PatternSet::parse(patterns);
    interlock::check(set.has_value(), "the benchmark's patterns parse");
    return std::move(*set);
  }

  std::vector<Footprint> footprints_;
};

/// Four patterns a task: mostly files and folders, some names in a folder, few names anywhere.
Footprints mixed(int tasks) {
  std::mt19937 random(1);
  const auto folder = [&] {
    return fmt::format("src/part{}/unit{}", random() % 40, random() % 50);
  };
  const auto pattern = [&]() -> std::string {
    const auto kind = random() % 1000;
    if (kind < 700) return fmt::format("{}/file{}.cc", folder(), random() % 20);
    if (kind < 950) return folder() + "/**";
    if (kind < 995) return folder() + "/*.md";
    return fmt::format("**/*.t{}", random() % 20);
  };
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) {
    footprints.add({pattern(), pattern(), pattern()},
                   {fmt::format("{}/file{}.cc", folder(), random() % 20)});
  }
  return footprints;
}

/// Each task makes one file out of three made before it.
Footprints files(int tasks) {
  std::mt19937 random(2);
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) {
    const auto input = [&] {
      const auto of = random() % static_cast<std::size_t>(i + 1);
      return fmt::format("out/{}/file{}.o", of % 100, of);
    };
    footprints.add({input(), input(), input()}, {fmt::format("out/{}/file{}.o", i % 100, i)});
  }
  return footprints;
}

Footprints readers_of_everything(int tasks) {
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) footprints.add({"**"}, {fmt::format("out/file{}", i)});
  return footprints;
}

Footprints writers_of_everything(int tasks) {
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) footprints.add({fmt::format("in/file{}", i)}, {"**"});
  return footprints;
}

Footprints names_anywhere(int tasks) {
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) footprints.add({"src/**"}, {fmt::format("**/name{}.md", i)});
  return footprints;
}

Footprints unknown(int tasks) {
  Footprints footprints;
  for (int i = 0; i < tasks; ++i) footprints.add_unknown();
  return footprints;
}

void measure(benchmark::State& state, Footprints (*make)(int)) {
  const Footprints footprints = make(static_cast<int>(state.range(0)));
  const std::vector<Claim> claims = footprints.claims();
  std::size_t edges = 0;
  for (auto _ : state) edges = interlock::footprint::interlock(claims, {}).edges.size();
  state.counters["edges"] = static_cast<double>(edges);
}

void measure_parsing(benchmark::State& state, Footprints (*make)(int)) {
  for (auto _ : state) benchmark::DoNotOptimize(make(static_cast<int>(state.range(0))));
}

}  // namespace

BENCHMARK_CAPTURE(measure, mixed, mixed)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, files, files)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure_parsing, files, files)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, readers_of_everything, readers_of_everything)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, writers_of_everything, writers_of_everything)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, names_anywhere, names_anywhere)
    ->Arg(2'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, unknown, unknown)->Arg(100'000)->Unit(benchmark::kMillisecond);
