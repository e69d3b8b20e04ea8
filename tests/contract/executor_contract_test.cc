#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "process/clock.h"
#include "process/local_processes.h"
#include "snapshots/fixture.h"
#include "snapshots/local_snapshots.h"
#include "support/fake_gateway.h"
#include "support/fake_jobs.h"
#include "support/fake_processes.h"
#include "support/fake_snapshots.h"
#include "support/fake_workspace.h"
#include "worker/distributed_processes.h"
#include "worker/job_runner.h"
#include "worker/local_executor.h"
#include "workspace/fixture_tree.h"
#include "workspace/local_workspace.h"

// What engine::Executor promises, held against one upon the fakes, alone and with a worker, and
// against one upon this machine, with a thread of its own and without.
namespace interlock {
namespace {

using engine::AttemptName;
using engine::AttemptReport;
using engine::AttemptSpec;
using engine::Collected;
using engine::Finished;
using engine::NotStarted;
using engine::Spawned;
using engine::Tree;
using plan::Isolation;
using namespace std::chrono_literals;

/// What an attempt does, in an order: reads a file and prints it, writes one, and ends, or does
/// not.
struct Doing {
  std::string reads = {};  ///< `-` is printed where it is not there.
  std::string writes = {};
  std::string content = {};
  int exit_code = 0;
  bool hangs = false;
  bool is_missing = false;  ///< There is no such program.
};

class World {
 public:
  virtual ~World() = default;
  virtual std::string cannot() { return {}; }
  virtual worker::LocalExecutor& executor() = 0;
  virtual Tree& tree() = 0;
  virtual engine::Workspace& files() = 0;
  /// A file of the workspace itself.
  virtual void write(const std::string& path, const std::string& content) = 0;
  virtual Time now() = 0;
  virtual void script(AttemptSpec& spec, const Doing& doing) = 0;
  /// Its driver leaves the three versions one behind the other.
  virtual void script_merge(AttemptSpec& spec) = 0;
  /// Whether the attempt's own folder is there.
  virtual bool has_folder(AttemptName name) = 0;

  std::map<Digest, std::string> outputs;

 protected:
  std::function<Result<std::string>(const Digest&)> output() {
    return [this](const Digest& digest) -> Result<std::string> {
      const auto found = outputs.find(digest);
      if (found == outputs.end()) return fail(Error::Kind::missing, "no such output");
      return found->second;
    };
  }
};

/// Upon the fakes; `has_worker`: what can be a job is done by a worker.
class FakeWorld final : public World {
 public:
  explicit FakeWorld(bool has_worker)
      : executor_({"/workspace", {}},
                  {host(has_worker), workspace_, snapshots_, gateway_, &workspace_}, output()) {}
  worker::LocalExecutor& executor() override { return executor_; }
  Tree& tree() override { return snapshots_; }
  engine::Workspace& files() override { return workspace_; }
  void write(const std::string& path, const std::string& content) override {
    workspace_.files[path] = content;
  }
  Time now() override { return clock_.now(); }
  bool has_folder(AttemptName name) override { return workspace_.open_attempts().contains(name); }
  void script(AttemptSpec& spec, const Doing& doing) override {
    const bool in_view = spec.task().isolation == Isolation::view;
    doings_[spec.name] = {doing, in_view};
    processes_.decide =
        workers_.decide = [this](const engine::SpawnSpec& spawned) { return act(spawned.name); };
  }
  void script_merge(AttemptSpec& spec) override {
    spec.merge->run.arguments = {"join", "{merge.base}", "{merge.ours}", "{merge.theirs}"};
    processes_.decide = [this](const engine::SpawnSpec& spawned) {
      std::string all;
      for (std::size_t at = 1; at < spawned.arguments.size(); ++at)
        all += workspace_.attempt_files.at(spawned.arguments[at]);
      workspace_.leave_in_attempt(spawned.name, std::string(engine::kOursFile), all);
      return testing_support::Behaviour{};
    };
  }

 private:
  testing_support::Behaviour act(AttemptName name) {
    const auto& [doing, in_view] = doings_.at(name);
    testing_support::Behaviour behaviour;
    if (doing.is_missing) behaviour.refused = "cannot execute `agent`";
    behaviour.exit_code = doing.exit_code;
    behaviour.hangs = doing.hangs;
    if (!in_view) return behaviour;
    testing_support::FakeSnapshot& snapshot = snapshots_.snapshot(name);
    if (!doing.reads.empty()) {
      const std::string* const found = snapshot.read(doing.reads);
      behaviour.output = (found == nullptr ? "-" : *found) + "\n";
    }
    if (!doing.writes.empty()) {
      EXPECT_TRUE(snapshot.write(doing.writes, doing.content));
    }
    return behaviour;
  }

  testing_support::FakeClock clock_;
  testing_support::FakeProcesses processes_{clock_};
  testing_support::FakeWorkspace workspace_;
  testing_support::FakeSnapshots snapshots_{workspace_};
  testing_support::FakeGateway gateway_;
  std::map<AttemptName, std::pair<Doing, bool>> doings_;

  engine::ProcessHost& host(bool has_worker) {
    if (!has_worker) return processes_;
    source_ = jobs_.worker("w1");
    worker::JobRunner::Options options;
    options.uptime = [this] { return Duration(clock_.now().time_since_epoch()); };
    runner_.emplace(workers_, *source_, files_, clock_, std::move(options));
    processes_.before_call = [this](std::string_view call) {
      if (call != "wait") return;
      EXPECT_TRUE(runner_->step({}));
    };
    return distributed_.emplace(processes_, jobs_.queue(), files_, clock_,
                                worker::DistributedProcesses::Options());
  }

  testing_support::FakeProcesses workers_{clock_};
  testing_support::FakeJobs jobs_{clock_};
  testing_support::SharedFiles files_;
  std::unique_ptr<engine::JobSource> source_;
  std::optional<worker::JobRunner> runner_;
  std::optional<worker::DistributedProcesses> distributed_;
  worker::LocalExecutor executor_;
};

class RealWorld final : public World {
 public:
  explicit RealWorld(bool has_thread)
      : host_(*process::LocalProcesses::open(clock_)),
        executor_(
            {tree_.root(), environment(), has_thread ? worker::BackgroundThread::open() : nullptr,
             [this] { host_->wake(); }},
            {*host_, workspace_, snapshots_, gateway_, &workspace_}, output()) {}
  ~RealWorld() override { snapshots::remove_tree(state_.root()); }

  std::string cannot() override {
    return snapshots::host_has_overlays() ? "" : "this host mounts no overlay";
  }
  worker::LocalExecutor& executor() override { return executor_; }
  Tree& tree() override { return snapshots_; }
  engine::Workspace& files() override { return workspace_; }
  void write(const std::string& path, const std::string& content) override {
    tree_.write(path, content);
  }
  Time now() override { return clock_.now(); }
  bool has_folder(AttemptName name) override {
    // To open it makes it anew; a file in it tells whether it is another.
    const std::string folder =
        fmt::format("{}/runs/r-1/attempts/{}-{}", state_.root(), name.task.index(), name.attempt);
    return std::filesystem::exists(folder);
  }
  void script(AttemptSpec& spec, const Doing& doing) override {
    std::string script;
    if (!doing.reads.empty())
      script +=
          fmt::format("if test -f {0}; then cat {0}; else printf -- -; fi; echo; ", doing.reads);
    if (!doing.writes.empty())
      script += fmt::format("printf %s '{}' > {}; ", doing.content, doing.writes);
    if (doing.hangs) script += "exec sleep 1000; ";
    script += fmt::format("exit {}", doing.exit_code);
    plan::Command& run = spec.work.front().task.run;
    run = {};
    if (doing.is_missing) {
      run.arguments = {"no-such-program"};
    } else {
      run.shell = script;
    }
  }
  void script_merge(AttemptSpec& spec) override {
    spec.merge->run.shell =
        "cat {merge.base} {merge.ours} {merge.theirs} >joined && mv joined {merge.ours}";
  }

 private:
  engine::HostEnvironment environment() const {
    engine::HostEnvironment around;
    around.run = "r-1";
    around.log_folder = state_.root() + "/logs";
    around.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    return around;
  }

  workspace::TempTree tree_, state_;
  process::SystemClock clock_;
  std::unique_ptr<process::LocalProcesses> host_;
  workspace::LocalWorkspace workspace_{tree_.root(), state_.root(), "r-1"};
  snapshots::LocalSnapshots snapshots_{tree_.root(), state_.root(), "r-1"};
  testing_support::FakeGateway gateway_;
  worker::LocalExecutor executor_;
};

class ExecutorContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "fake" || GetParam() == "distributed") {
      world_ = std::make_unique<FakeWorld>(GetParam() == "distributed");
    } else {
      world_ = std::make_unique<RealWorld>(GetParam() == "threaded");
    }
    if (const std::string why = world_->cannot(); !why.empty()) GTEST_SKIP() << why;
  }
  worker::LocalExecutor& executor() { return world_->executor(); }
  World& world() { return *world_; }

  AttemptSpec spec(std::uint32_t task, Isolation isolation, const Doing& doing) {
    AttemptSpec spec;
    spec.name = {TaskId(task), 1, 0};
    plan::Task& own = spec.work.emplace_back().task;
    own.id = fmt::format("t{}", task);
    own.isolation = isolation;
    own.footprint.unknown = true;
    own.output.form = plan::OutputSpec::Form::text;
    spec.agent.name = "command";
    spec.label = fmt::format("r-1/{}#1", own.id);
    spec.deadline = world_->now() + 1h;
    world_->script(spec, doing);
    return spec;
  }
  AttemptName start(std::uint32_t task, Isolation isolation, const Doing& doing) {
    AttemptSpec made = spec(task, isolation, doing);
    const AttemptName name = made.name;
    executor().start(std::move(made));
    return name;
  }
  /// What comes in next.
  std::vector<AttemptReport> next() {
    auto reports = executor().wait(world_->now() + 10s);
    for (const AttemptReport& report : reports) note(report);
    return reports;
  }
  /// All reports until one of this kind has come, of this attempt.
  template <typename Kind>
  Kind until(AttemptName name) {
    for (int waits = 0; waits < 1000; ++waits) {
      for (AttemptReport& report : next()) {
        if (auto* const one = std::get_if<Kind>(&report); one != nullptr && name_of(*one) == name)
          return std::move(*one);
      }
    }
    ADD_FAILURE() << "it was never told; of all that was: " << told_;
    return {};
  }
  /// The kinds of all reports so far, of that attempt.
  std::string told(AttemptName name) const {
    const auto found = kinds_.find(name);
    return found == kinds_.end() ? "" : found->second;
  }

 private:
  static AttemptName name_of(const Finished& one) { return one.exited.name; }
  static AttemptName name_of(const auto& one) { return one.name; }
  void note(const AttemptReport& report) {
    const auto add = [this](AttemptName name, const char* kind) {
      kinds_[name] += std::string(kind) + " ";
      told_ += fmt::format("{} {}; ", name.task.index(), kind);
    };
    if (const auto* one = std::get_if<Spawned>(&report)) add(one->name, "spawned");
    if (const auto* one = std::get_if<Finished>(&report)) add(one->exited.name, "finished");
    if (const auto* one = std::get_if<Collected>(&report)) add(one->name, "collected");
    if (const auto* one = std::get_if<NotStarted>(&report)) add(one->name, "not-started");
  }

  std::unique_ptr<World> world_;
  std::map<AttemptName, std::string> kinds_;
  std::string told_;
};

TEST_P(ExecutorContract, TellsOfAnAttemptFromItsBirthToItsEnd) {
  const AttemptName name = start(0, Isolation::direct, {.exit_code = 3});
  const Finished finished = until<Finished>(name);
  EXPECT_EQ(finished.exited.exit_code, 3);
  EXPECT_FALSE(finished.observed) << "nobody watches it";
  EXPECT_EQ(told(name), "spawned finished ");
  executor().drain();
  EXPECT_FALSE(world().has_folder(name)) << "its folder goes with its tree";
  EXPECT_EQ(executor().last_output_at(name), std::nullopt);
}

TEST_P(ExecutorContract, WhatCannotBeExecutedIsNotStarted) {
  for (const Isolation isolation : {Isolation::direct, Isolation::view}) {
    const std::uint32_t task = isolation == Isolation::view ? 1 : 0;
    const AttemptName name = start(task, isolation, {.is_missing = true});
    if (GetParam() == "distributed" && isolation == Isolation::view) {
      // It was taken on, and found out only then: neither the worker nor this machine has it.
      EXPECT_TRUE(until<Finished>(name).exited.hindered.contains("cannot execute"));
      continue;
    }
    const NotStarted refused = until<NotStarted>(name);
    EXPECT_TRUE(refused.was_ready);
    EXPECT_TRUE(refused.error.message.contains("cannot execute")) << refused.error.message;
    EXPECT_EQ(told(name), "not-started ");
    executor().release(name);
  }
}

TEST_P(ExecutorContract, AnInputThatCannotBeReadIsNotStarted) {
  AttemptSpec made = spec(0, Isolation::view, {});
  made.work.front().inputs.push_back({"other", {}, digest_of("gone"), false});
  const AttemptName name = made.name;
  executor().start(std::move(made));
  const NotStarted refused = until<NotStarted>(name);
  EXPECT_FALSE(refused.was_ready);
  EXPECT_EQ(refused.error.kind, Error::Kind::missing);
}

TEST_P(ExecutorContract, EndsWhatIsStoppedAndLeavesAloneWhatIsOver) {
  const AttemptName name = start(0, Isolation::direct, {.hangs = true});
  until<Spawned>(name);
  EXPECT_NE(executor().last_output_at(name), std::nullopt);
  executor().stop(name, 10s);
  const Finished finished = until<Finished>(name);
  EXPECT_NE(finished.exited.signal, std::nullopt);
  executor().stop(name, {});
  executor().stop({TaskId(7), 1, 0}, {});
  EXPECT_EQ(told(name), "spawned finished ");
}

TEST_P(ExecutorContract, OneStoppedAtOnceComesToOneEnd) {
  const AttemptName name = start(0, Isolation::view, {.hangs = true});
  executor().stop(name, {});
  // Whether it was begun by then is the executor's matter.
  for (int waits = 0;
       waits < 1000 && !told(name).contains("finished") && !told(name).contains("not-started");
       ++waits)
    next();
  EXPECT_TRUE(told(name) == "not-started " || told(name) == "spawned finished ") << told(name);
}

TEST_P(ExecutorContract, WhatWasChangedIsTakenAndCommittedAndSeenByLaterOnes) {
  const AttemptName one =
      start(0, Isolation::view, {.reads = "made", .writes = "made", .content = "by one"});
  const Finished finished = until<Finished>(one);
  EXPECT_EQ(finished.output, "-\n");
  ASSERT_TRUE(finished.observed);
  executor().collect(one);
  const Collected collected = until<Collected>(one);
  ASSERT_TRUE(collected.harvest) << collected.harvest.error().message;
  ASSERT_EQ(collected.harvest->changes.changes.size(), 1u);
  EXPECT_EQ(collected.harvest->changes.changes.front().path, "made");
  EXPECT_EQ(told(one), "spawned finished collected ");
  ASSERT_TRUE(world().tree().commit({one, &collected.harvest->changes}, "r-1/t0"));
  EXPECT_EQ(world().tree().committed("made", 99).value(), "by one");

  const AttemptName two = start(1, Isolation::view, {.reads = "made"});
  EXPECT_EQ(until<Finished>(two).output, "by one\n");
  executor().release(two);
}

TEST_P(ExecutorContract, ASnapshotShowsWhatWasCommittedWhenItWasAskedFor) {
  const AttemptName one = start(0, Isolation::view, {.writes = "made", .content = "by one"});
  until<Finished>(one);
  executor().collect(one);
  const Collected collected = until<Collected>(one);
  ASSERT_TRUE(collected.harvest) << collected.harvest.error().message;
  std::vector<AttemptName> before;
  for (std::uint32_t task = 1; task < 9; ++task)
    before.push_back(start(task, Isolation::view, {.reads = "made"}));
  // Most of these are not opened yet, where that is done beside.
  ASSERT_TRUE(world().tree().commit({one, &collected.harvest->changes}, "r-1/t0"));
  const AttemptName after = start(9, Isolation::view, {.reads = "made"});
  std::map<AttemptName, std::string> outputs;
  while (outputs.size() < before.size() + 1) {
    const auto reports = next();
    for (const AttemptReport& report : reports) {
      if (const auto* one_of_them = std::get_if<Finished>(&report))
        outputs[one_of_them->exited.name] = one_of_them->output;
    }
    ASSERT_FALSE(HasFailure());
  }
  for (const AttemptName& name : before) EXPECT_EQ(outputs[name], "-\n");
  EXPECT_EQ(outputs[after], "by one\n");
}

TEST_P(ExecutorContract, WhatIsReleasedIsNotKept) {
  const AttemptName name = start(0, Isolation::view, {.writes = "made", .content = "for nothing"});
  until<Finished>(name);
  executor().collect(name);
  ASSERT_TRUE(until<Collected>(name).harvest);
  EXPECT_EQ(world().tree().content(name, "made", Tree::Side::after, 99).value(), "for nothing");
  executor().release(name);
  executor().drain();
  EXPECT_FALSE(world().tree().committed("made", 99));
}

TEST_P(ExecutorContract, WhatFilesHoldIsToldToWhoWaits) {
  using Kind = engine::HashRequest::Kind;
  world().write("src/a.c", "int a;\n");
  const auto patterns = footprint::PatternSet::parse(std::vector<std::string>{"src/**", "gone"});
  ASSERT_TRUE(patterns);
  const changes::ReadSet reads{changes::ReadsFrom::observed, {"src/a.c", "no"}, {"src"}, {"src"}};
  executor().hash({1, Kind::fingerprints, *patterns, {}});
  executor().hash({2, Kind::states, {}, reads});
  executor().hash({3, Kind::fingerprint, *patterns, {}});
  std::map<std::uint64_t, std::vector<engine::CacheKeyPart>> told;
  for (int waits = 0; waits < 1000 && told.size() < 3; ++waits) {
    EXPECT_TRUE(next().empty()) << "it is no report of an attempt";
    for (engine::Hashed& one : executor().take_hashed()) {
      ASSERT_TRUE(one.parts) << one.parts.error().message;
      EXPECT_TRUE(told.emplace(one.number, std::move(*one.parts)).second) << "once";
    }
  }
  EXPECT_EQ(told[1], world().files().fingerprints(*patterns).value());
  EXPECT_EQ(told[2], world().files().states(reads).value());
  ASSERT_EQ(told[3].size(), 1u);
  EXPECT_EQ(told[3].front().digest, world().files().fingerprint(*patterns).value());
}

TEST_P(ExecutorContract, AMergeDriverIsGivenThreeVersionsAndItsResultIsTaken) {
  const AttemptName work = start(0, Isolation::view, {.writes = "made", .content = "mine"});
  until<Finished>(work);
  executor().collect(work);
  ASSERT_TRUE(until<Collected>(work).harvest);
  // One after the other, under one name.
  for (const std::string ours : {"one", "two"}) {
    AttemptSpec made = spec(0, Isolation::view, {});
    made.name.phase = engine::kDriverPhase;
    made.merge.emplace();
    made.merge->path = "made";
    made.merge->base = "base ";
    made.merge->ours = ours;
    made.merge->theirs = " mine";
    world().script_merge(made);
    executor().start(std::move(made));
    const AttemptName name{TaskId(0), 1, engine::kDriverPhase};
    const Finished finished = until<Finished>(name);
    ASSERT_TRUE(finished.merged);
    ASSERT_TRUE(*finished.merged) << finished.merged->error().message;
    EXPECT_EQ(**finished.merged, "base " + ours + " mine");
    executor().release(name);
  }
  executor().drain();
  EXPECT_FALSE(world().has_folder({TaskId(0), 1, engine::kDriverPhase}));
  EXPECT_EQ(world().tree().content(work, "made", Tree::Side::after, 99).value(), "mine");
}

TEST_P(ExecutorContract, OfADeadDispatchersAttemptNothingIsLeft) {
  const AttemptName name{TaskId(3), 1, 0};
  const auto left = executor().end_leftovers(name, "r-1/t3#1", std::nullopt);
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(left->ended, 0u);
  EXPECT_FALSE(world().has_folder(name));
}

INSTANTIATE_TEST_SUITE_P(Of, ExecutorContract,
                         testing::Values("fake", "distributed", "alone", "threaded"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
