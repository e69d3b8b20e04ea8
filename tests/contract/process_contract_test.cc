#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <set>

#include "base/text.h"
#include "process/clock.h"
#include "process/local_processes.h"
#include "support/fake_processes.h"

// What engine::ProcessHost promises, held against the fake and against real processes in both kinds
// of trees.
namespace interlock {
namespace {

using engine::AttemptName;
using engine::Report;
using testing_support::Behaviour;
using testing_support::FakeClock;
using testing_support::FakeProcesses;
using namespace std::chrono_literals;

/// A process host, and how to make a process in it behave.
class World {
 public:
  virtual ~World() = default;
  virtual engine::ProcessHost& host() = 0;
  virtual engine::Clock& clock() = 0;
  virtual void script(engine::SpawnSpec& spec, const Behaviour& behaviour) = 0;
};

class FakeWorld final : public World {
 public:
  engine::ProcessHost& host() override { return processes_; }
  engine::Clock& clock() override { return clock_; }
  void script(engine::SpawnSpec& spec, const Behaviour& behaviour) override {
    processes_.script(spec.name, behaviour);
  }

 private:
  FakeClock clock_;
  FakeProcesses processes_{clock_};
};

/// Acts a behaviour out as a shell script. Only the kernel's own time passes: what lasts, lasts no
/// time at all.
class RealWorld final : public World {
 public:
  explicit RealWorld(process::Trees trees)
      : host_(*process::LocalProcesses::open(clock_, {.trees = trees})) {}

  engine::ProcessHost& host() override { return *host_; }
  engine::Clock& clock() override { return clock_; }
  void script(engine::SpawnSpec& spec, const Behaviour& behaviour) override {
    if (behaviour.refused) {
      spec.arguments = {"no-such-program"};
      return;
    }
    std::string script;
    for (std::uint32_t stray = 0; stray < behaviour.strays; ++stray)
      script += "setsid sleep 1000 >/dev/null 2>&1 &\n";
    if (behaviour.ignores_term) script += "trap '' TERM\n";
    // What it hangs on is there before it says a word, so that a stop finds all of it.
    if (behaviour.hangs) script += "sleep 1000 &\n";
    script += fmt::format("printf %s {}\n", shell_quote(behaviour.output));
    for (const auto& [after, line] : behaviour.lines)
      script += fmt::format("echo {}\n", shell_quote(line));
    if (behaviour.hangs) script += "wait\n";
    if (behaviour.signal) script += fmt::format("kill -{} $$\n", *behaviour.signal);
    script += fmt::format("exit {}\n", behaviour.exit_code);
    spec.arguments = {"sh", "-c", script};
  }

 private:
  process::SystemClock clock_;
  std::unique_ptr<process::LocalProcesses> host_;
};

bool cgroups_work() {
  process::SystemClock clock;
  return process::LocalProcesses::open(clock, {.trees = process::Trees::cgroup}).has_value();
}

class ProcessContract : public testing::TestWithParam<std::string> {
 protected:
  ProcessContract() {
    if (GetParam() == "fake") {
      world_ = std::make_unique<FakeWorld>();
    } else if (GetParam() == "walk") {
      world_ = std::make_unique<RealWorld>(process::Trees::walk);
    } else if (cgroups_work()) {
      world_ = std::make_unique<RealWorld>(process::Trees::cgroup);
    }
  }

  void SetUp() override {
    if (world_ == nullptr) GTEST_SKIP() << "this host has no cgroup v2 to write to";
  }

  engine::ProcessHost& host() { return world_->host(); }

  static AttemptName name(std::size_t task) { return {TaskId(task), 1, 0}; }

  engine::SpawnSpec spec(std::size_t task, const Behaviour& behaviour) {
    engine::SpawnSpec spec;
    spec.name = name(task);
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.folder = "/";
    spec.label = fmt::format("contract/{}#1", task);
    spec.log_folder = testing::TempDir() + "process_contract_logs";
    world_->script(spec, behaviour);
    return spec;
  }

  void spawn(std::size_t task, const Behaviour& behaviour) {
    const auto spawned = host().spawn(spec(task, behaviour));
    ASSERT_TRUE(spawned) << spawned.error().message;
  }

  /// Waits until `count` attempts have ended; tells all that was reported meanwhile, one a line.
  std::string until_ended(int count) {
    std::string told;
    const Time patience_ends = world_->clock().now() + 60s;
    while (count > 0 && world_->clock().now() < patience_ends) {
      for (const Report& report : host().wait(patience_ends)) {
        told += show(report);
        if (std::holds_alternative<engine::Exited>(report)) --count;
      }
    }
    return told;
  }

  /// Waits until the process has been reported and has said this.
  void until_said(std::size_t task, const std::string& line) {
    const Time patience_ends = world_->clock().now() + 60s;
    do {
      host().wait(world_->clock().now() + 10ms);
    } while (host().last_line(name(task)) != line && world_->clock().now() < patience_ends);
    EXPECT_EQ(host().last_line(name(task)), line);
  }

  static std::string show(const Report& report) {
    if (const auto* spawned = std::get_if<engine::Spawned>(&report)) {
      return fmt::format("{} spawned\n", spawned->name.task.index());
    }
    if (const auto* printed = std::get_if<engine::Printed>(&report)) {
      std::string told;
      for (const std::string& line : printed->lines)
        told += fmt::format("{} said {}\n", printed->name.task.index(), line);
      return told;
    }
    const auto* exited = std::get_if<engine::Exited>(&report);
    if (exited == nullptr) return "something else\n";
    std::string told = fmt::format("{} exited", exited->name.task.index());
    if (exited->exit_code) told += fmt::format(" with {}", *exited->exit_code);
    if (exited->signal) told += fmt::format(" by signal {}", *exited->signal);
    if (exited->strays > 0) told += fmt::format(", {} strays", exited->strays);
    if (exited->output_cut) told += ", output cut";
    return told + "\n";
  }

  std::unique_ptr<World> world_;
};

TEST_P(ProcessContract, ASpawnLeadsToOneSpawnedAndThenOneExited) {
  spawn(0, {.lasts = 0s});
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 0\n");
  EXPECT_TRUE(host().wait(world_->clock().now() + 1ms).empty());
}

TEST_P(ProcessContract, AFailedSpawnLeadsToNoReport) {
  const auto spawned =
      host().spawn(spec(0, {.refused = "cannot execute `no-such-program`: not found in PATH"}));
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().message, "cannot execute `no-such-program`: not found in PATH");
  EXPECT_TRUE(host().wait(world_->clock().now() + 1ms).empty());
}

TEST_P(ProcessContract, ExitCodesAndSignalsAreToldApart) {
  spawn(0, {.exit_code = 3});
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 3\n");
  spawn(1, {.signal = SIGSEGV});
  EXPECT_EQ(until_ended(1), "1 spawned\n1 exited by signal 11\n");
}

TEST_P(ProcessContract, StopAsksWithTerm) {
  spawn(0, {.hangs = true, .output = "ready\n"});
  until_said(0, "ready");
  host().stop(name(0), 1h);
  EXPECT_EQ(until_ended(1), "0 exited by signal 15\n");
}

TEST_P(ProcessContract, StopKillsTheTreeWhenGraceIsOver) {
  spawn(0, {.hangs = true, .ignores_term = true, .output = "ready\n"});
  until_said(0, "ready");
  host().stop(name(0), 20ms);
  EXPECT_EQ(until_ended(1), "0 exited by signal 9\n");
}

TEST_P(ProcessContract, StoppingWhatIsOverDoesNothing) {
  spawn(0, {});
  until_ended(1);
  host().stop(name(0), 0s);
  host().stop(name(7), 0s);
  EXPECT_TRUE(host().wait(world_->clock().now() + 1ms).empty());
}

TEST_P(ProcessContract, OutputIsGivenOnceAndInFull) {
  spawn(0, {.output = "one\ntwo\n"});
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 0\n");
  EXPECT_EQ(host().take_output(name(0)), "one\ntwo\n");
  EXPECT_EQ(host().take_output(name(0)), "");
}

TEST_P(ProcessContract, OutputBeyondTheLimitIsCutAndSaid) {
  auto limited = spec(0, {.output = "one\ntwo\n"});
  limited.output_bytes_max = 5;
  ASSERT_TRUE(host().spawn(limited));
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 0, output cut\n");
  EXPECT_EQ(host().take_output(name(0)), "one\nt");
}

TEST_P(ProcessContract, LinesAreToldAsTheyComeWhereThatIsWanted) {
  const Behaviour talks{.lines = {{0s, "one"}, {0s, ""}, {0s, "three"}}};
  auto heard = spec(0, talks);
  heard.report_lines = true;
  ASSERT_TRUE(host().spawn(heard));
  EXPECT_EQ(until_ended(1), "0 spawned\n0 said one\n0 said \n0 said three\n0 exited with 0\n");
  ASSERT_TRUE(host().spawn(spec(1, talks)));
  EXPECT_EQ(until_ended(1), "1 spawned\n1 exited with 0\n") << "nobody wanted it";
}

TEST_P(ProcessContract, OutputNobodyAsksForIsNotKept) {
  auto unheard = spec(0, {.output = "one\n"});
  unheard.keep_output = false;
  ASSERT_TRUE(host().spawn(unheard));
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 0\n");
  EXPECT_EQ(host().take_output(name(0)), "");
}

TEST_P(ProcessContract, StraysAreEndedAndCounted) {
  spawn(0, {.strays = 2});
  EXPECT_EQ(until_ended(1), "0 spawned\n0 exited with 0, 2 strays\n");
}

TEST_P(ProcessContract, WaitComesBackAtItsDeadline) {
  spawn(0, {.hangs = true, .output = "ready\n"});
  until_said(0, "ready");
  const Time deadline = world_->clock().now() + 5ms;
  EXPECT_TRUE(host().wait(deadline).empty());
  EXPECT_GE(world_->clock().now(), deadline);
  host().stop(name(0), 0s);
  until_ended(1);
}

TEST_P(ProcessContract, AnAttemptIsHeardOfOnlyWhileItRuns) {
  const Time before = world_->clock().now();
  spawn(0, {.hangs = true, .output = "ready\n"});
  until_said(0, "ready");
  ASSERT_TRUE(host().last_output_at(name(0)));
  EXPECT_GE(*host().last_output_at(name(0)), before);
  host().stop(name(0), 0s);
  until_ended(1);
  EXPECT_FALSE(host().last_output_at(name(0)));
  EXPECT_EQ(host().last_line(name(0)), "");
}

TEST_P(ProcessContract, OfTwoHundredAtOnceEachEndsOnce) {
  std::string expected;
  for (std::size_t task = 0; task < 200; ++task) {
    spawn(task, {.exit_code = static_cast<int>(task % 7), .output = fmt::format("{}\n", task)});
    expected += fmt::format("{} spawned\n{} exited with {}\n", task, task, task % 7);
  }
  const std::string told = until_ended(200);
  for (std::size_t task = 0; task < 200; ++task) {
    EXPECT_EQ(host().take_output(name(task)), fmt::format("{}\n", task));
  }
  const auto sorted = [](const std::string& text) {
    const auto lines = split_lines(text);
    return std::multiset<std::string_view>(lines.begin(), lines.end());
  };
  EXPECT_EQ(sorted(told), sorted(expected));
}

TEST_P(ProcessContract, NothingIsLeftOfAnAttemptThatIsOver) {
  spawn(0, {.strays = 1});
  until_ended(1);
  const auto ended = host().end_leftovers("contract/0#1", std::nullopt);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->ended, 0u);
}

INSTANTIATE_TEST_SUITE_P(Hosts, ProcessContract, testing::Values("fake", "cgroup", "walk"),
                         [](const auto& host) { return host.param; });

}  // namespace
}  // namespace interlock
