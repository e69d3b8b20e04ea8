#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/dice.h"
#include "sim/seeds.h"
#include "support/fake_jobs.h"
#include "support/fake_processes.h"
#include "worker/distributed_processes.h"
#include "worker/job_runner.h"

// A dispatcher and its workers in virtual time: calls that are lost on the way there or back,
// workers that stand still or die, and leases that run out, all from one seed.
namespace interlock::sim {
namespace {

using engine::AttemptName;
using testing_support::Behaviour;
using testing_support::FakeClock;
using testing_support::FakeJobs;
using testing_support::FakeProcesses;
using testing_support::SharedFiles;
using namespace std::chrono_literals;

struct WorkerFaults {
  std::uint64_t loses_before = 0, loses_after = 0;  ///< Per call, in thousandths, as the others.
  std::uint64_t stands_still = 0;                   ///< Per round and worker.
  std::uint64_t is_cut_off = 0;                     ///< Likewise: it reaches no store for a while.
  std::uint64_t dies = 0;                           ///< Likewise.
  std::uint64_t is_stopped = 0;                     ///< Per round: some attempt.
};

class WorkerWorld {
 public:
  WorkerWorld(std::uint64_t seed, WorkerFaults faults, std::size_t workers)
      : dice_(seed), faults_(faults) {
    jobs_.loses = [this](std::string_view) { return loss(); };
    jobs_.on_finished = [this](std::int64_t job, std::int64_t fence) {
      promise(accepted_.insert(job).second, "a job's result is accepted once");
      promise(fence == jobs_.fence_of(job), "nothing of a fenced worker is accepted");
    };
    here_.decide = [this](const engine::SpawnSpec& spec) { return behaviour_of(spec); };
    for (std::size_t i = 0; i < workers; ++i) hire();
    host_.emplace(here_, jobs_.queue(), files_, clock_, worker::DistributedProcesses::Options());
  }

  /// So many attempts, and the rounds it takes until each has ended.
  void live(std::uint32_t attempts) {
    constexpr std::uint32_t kRoundsOfFaults = 500, kRoundsMax = 4000;
    std::uint32_t begun = 0;
    for (std::uint32_t round = 0; round < kRoundsMax && broken_.empty(); ++round) {
      faults_are_on_ = round < kRoundsOfFaults;
      if (begun < attempts && dice_.chance(400)) begin(begun++);
      if (faults_are_on_ && dice_.chance(faults_.is_stopped) && begun > 0)
        stop(static_cast<std::uint32_t>(dice_.below(begun)));
      take(host_->wait(Time{}));
      for (std::size_t i = 0; i < workers_.size(); ++i) act(i);
      check_running();
      clock_.go_to(clock_.now() + std::chrono::milliseconds(dice_.between(20, 2000)));
      if (begun == attempts && ended_.size() == attempts) return;
    }
    promise(ended_.size() == attempts, "everything comes to an end");
  }

  const std::string& broken() const { return broken_; }
  std::size_t done_by_workers() const { return accepted_.size(); }

 private:
  struct Hired {
    std::unique_ptr<FakeProcesses> processes;
    std::unique_ptr<engine::JobSource> source;
    std::unique_ptr<worker::JobRunner> runner;
    Time stands_until{}, cut_off_until{};
  };

  FakeJobs::Loss loss() {
    if (is_cut_off_) return FakeJobs::Loss::before;
    if (!faults_are_on_) return FakeJobs::Loss::none;
    if (dice_.chance(faults_.loses_before)) return FakeJobs::Loss::before;
    return dice_.chance(faults_.loses_after) ? FakeJobs::Loss::after : FakeJobs::Loss::none;
  }

  void hire() {
    Hired one;
    one.processes = std::make_unique<FakeProcesses>(clock_);
    one.processes->decide = [this](const engine::SpawnSpec& spec) { return behaviour_of(spec); };
    one.source = jobs_.worker(fmt::format("w{}", ++hired_));
    worker::JobRunner::Options options;
    options.uptime = [this] { return Duration(clock_.now().time_since_epoch()); };
    one.runner = std::make_unique<worker::JobRunner>(*one.processes, *one.source, files_, clock_,
                                                     std::move(options));
    workers_.push_back(std::move(one));
  }

  void act(std::size_t index) {
    Hired& one = workers_[index];
    if (faults_are_on_ && dice_.chance(faults_.dies)) {
      workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
      hire();
      return;
    }
    if (faults_are_on_ && dice_.chance(faults_.stands_still))
      one.stands_until = clock_.now() + std::chrono::seconds(dice_.between(1, 200));
    if (faults_are_on_ && dice_.chance(faults_.is_cut_off))
      one.cut_off_until = clock_.now() + std::chrono::seconds(dice_.between(1, 200));
    if (clock_.now() < one.stands_until) return;
    is_cut_off_ = clock_.now() < one.cut_off_until;
    promise(one.runner->step({}), "nobody asked it to end");
    is_cut_off_ = false;
  }

  Behaviour behaviour_of(const engine::SpawnSpec& spec) const {
    Behaviour behaviour;
    const auto number = static_cast<std::int64_t>(spec.name.task.index());
    behaviour.exit_code = static_cast<int>(number % 7);
    behaviour.lasts = std::chrono::seconds(1 + number * 37 % 300);  // Leases last 60.
    behaviour.output = fmt::format("of {}", number);
    return behaviour;
  }

  void begin(std::uint32_t number) {
    engine::SpawnSpec spec;
    spec.name = {TaskId(number), 1, 0};
    spec.label = fmt::format("r-1/t{}#1", number);
    spec.arguments = {"work"};
    spec.sandbox.emplace().snapshot = engine::Sandbox::Snapshot{"/workspace", {}, "/u", "/w"};
    promise(host_->spawn(spec).has_value(), "nothing was in the way");
  }

  void stop(std::uint32_t number) {
    stopped_.insert(number);
    host_->stop({TaskId(number), 1, 0}, 2s);
  }

  void take(const std::vector<engine::Report>& reports) {
    for (const engine::Report& report : reports) {
      if (const auto* spawned = std::get_if<engine::Spawned>(&report)) {
        const std::uint32_t number = spawned->name.task.index();
        promise(spawned_.insert(number).second, "an attempt is told as spawned once");
      } else if (const auto* exited = std::get_if<engine::Exited>(&report)) {
        const std::uint32_t number = exited->name.task.index();
        promise(spawned_.contains(number), "what ends was told as spawned");
        promise(ended_.insert(number).second, "an attempt ends once");
        const std::string output = host_->take_output(exited->name);
        const bool is_whole = exited->exit_code == static_cast<int>(number % 7) &&
                              output == fmt::format("of {}", number);
        promise(is_whole || stopped_.contains(number), "what nobody stopped did its work");
      }
    }
  }

  /// Of workers that go on: leases keep two from running one job, whatever is lost.
  void check_running() {
    std::map<std::string, int> running;
    for (const Hired& one : workers_) {
      if (clock_.now() < one.stands_until) continue;
      for (const std::string& label : one.processes->running()) ++running[label];
    }
    for (const auto& [label, count] : running)
      promise(count == 1, "one worker runs a job at a time: " + label);
  }

  void promise(bool holds, const std::string& what) {
    if (!holds && broken_.empty()) broken_ = what;
  }

  Dice dice_;
  WorkerFaults faults_;
  bool faults_are_on_ = false, is_cut_off_ = false;
  FakeClock clock_;
  FakeJobs jobs_{clock_};
  SharedFiles files_;
  FakeProcesses here_{clock_};
  std::optional<worker::DistributedProcesses> host_;
  std::vector<Hired> workers_;
  std::size_t hired_ = 0;
  std::set<std::uint32_t> spawned_, ended_, stopped_;
  std::set<std::int64_t> accepted_;
  std::string broken_;
};

/// How many results of workers were accepted, so that a test of nothing is seen.
std::size_t live_in_worlds(const Seeds& seeds, WorkerFaults faults) {
  std::size_t done = 0;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    WorkerWorld world(seed, faults, 1 + seed % 4);
    world.live(20);
    EXPECT_EQ(world.broken(), "") << "seed " << seed;
    if (testing::Test::HasFailure()) break;
    done += world.done_by_workers();
  }
  return done;
}

TEST(SimulationOfWorkers, WithoutFaultsWorkersDoWhatIsOffered) {
  EXPECT_GT(live_in_worlds(seeds(30), {}), seeds(30).count);
}

TEST(SimulationOfWorkers, WhateverIsLostEachAttemptEndsOnce) {
  WorkerFaults faults;
  faults.loses_before = 150;
  faults.loses_after = 150;
  faults.is_cut_off = 20;
  faults.is_stopped = 20;
  EXPECT_GT(live_in_worlds(seeds(60), faults), 0u);
}

TEST(SimulationOfWorkers, AStaleResultIsAcceptedOfNobody) {
  WorkerFaults faults;
  faults.loses_before = 50;
  faults.loses_after = 50;
  faults.stands_still = 20;
  faults.is_cut_off = 10;
  faults.dies = 5;
  faults.is_stopped = 20;
  EXPECT_GT(live_in_worlds(seeds(60), faults), 0u);
}

}  // namespace
}  // namespace interlock::sim
