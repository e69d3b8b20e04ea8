#include "decide/learn.h"

#include <gmock/gmock.h>

#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

using history::Sample;
using std::chrono::seconds;

const Time kNoon = Time(std::chrono::hours(500'000));

Sample sample(const std::string& task, Duration elapsed, int number,
              const std::string& agent = "claude") {
  Sample it;
  it.at = kNoon + seconds(1000 * number);
  it.workspace = "/w";
  it.task = it.shape = task;
  it.agent = agent;
  it.outcome = "succeeded";
  it.elapsed = elapsed;
  return it;
}

TEST(Learn, AWildAttemptAndAnotherWorkspaceMoveNothing) {
  std::vector<Sample> samples;
  for (int i = 0; i < 6; ++i) samples.push_back(sample("a", seconds(60), i));
  samples.push_back(sample("a", seconds(9000), 7));
  samples.push_back(sample("a", seconds(5), 8));
  samples.back().workspace = "/elsewhere";
  const History history = learn(samples, {}, "/w");
  const auto& measurements = history.by_task.at("a\nclaude\n");
  EXPECT_EQ(measurements.time, seconds(60));
  EXPECT_EQ(measurements.count, 7u);
  EXPECT_EQ(history.by_agent.at("claude\n").count, 8u);
}

TEST(Learn, AThinTaskIsDrawnTowardsItsForeachAndARichOneStandsAlone) {
  std::vector<Sample> samples;
  int number = 0;
  for (const char* id : {"r-a", "r-b", "r-c"}) {
    for (int i = 0; i < 8; ++i) samples.push_back(sample(id, seconds(100), ++number));
  }
  samples.push_back(sample("r-d", seconds(10), ++number));
  for (Sample& it : samples) it.shape = "r-*";
  const History history = learn(samples, {}, "/w");
  EXPECT_EQ(history.by_task.at("r-a\nclaude\n").time, seconds(100));
  const Duration thin = history.by_task.at("r-d\nclaude\n").time;
  EXPECT_GT(thin, seconds(12));
  EXPECT_LT(thin, seconds(50));
  EXPECT_EQ(history.by_shape.at("r-*\nclaude\n").time, seconds(100));
}

TEST(Learn, ConflictsAreCountedOfTwoThatOverlap) {
  std::vector<Sample> samples;
  const auto ran = [&](const std::string& task, int run, int ended, bool met) {
    Sample it = sample(task, seconds(60), 0);
    it.at = kNoon + seconds(1000 * run + ended);
    it.run = "r" + std::to_string(run);
    it.met = met;
    samples.push_back(it);
  };
  // One after the other: that says nothing.
  for (int run = 0; run < 6; ++run) ran("a", run, 60, false), ran("b", run, 200, false);
  const auto odds = [&] { return learn(samples, {}, "/w").by_task.at("b\nclaude\n").p_conflict; };
  EXPECT_FALSE(odds());
  // Side by side in four runs: in one of them `b`, the later, met what `a` had changed.
  for (int run = 10; run < 14; ++run) ran("a", run, 60, false), ran("b", run, 70, run == 10);
  ASSERT_TRUE(odds());
  // A quarter of attempts, each with half of an earlier one beside it.
  EXPECT_NEAR(*odds(), 1 - 0.75 * 0.75, 0.001);
}

TEST(Learn, FailuresOfOneCommandSayNothingOfAnother) {
  std::vector<Sample> samples;
  for (int i = 0; i < 4; ++i) {
    samples.push_back(sample("good", seconds(1), 2 * i, "sh"));
    samples.push_back(sample("bad", seconds(1), 2 * i + 1, "sh"));
    samples.back().outcome = "exited-nonzero";
  }
  for (const char* outcome : {"cancelled", "interrupted", "conflicted", "rate-limited"}) {
    samples.push_back(sample("good", seconds(1), 20, "sh"));
    samples.back().outcome = outcome;
  }
  const History history = learn(samples, {}, "/w");
  EXPECT_EQ(history.by_task.at("good\nsh\n").failures, 0);
  EXPECT_EQ(history.by_task.at("good\nsh\n").tried, 4u);
  EXPECT_GT(history.by_task.at("bad\nsh\n").failures.value_or(0), 0.6);
  EXPECT_EQ(history.by_task.at("bad\nsh\n").count, 0u);
}

TEST(Learn, TimesAreWithoutWhatWasWaitedForQuotas) {
  Sample it = sample("a", seconds(30), 1);
  it.account = "acme";
  it.waits.calls_quota = seconds(20);
  const History history = learn({it}, {}, "/w");
  EXPECT_EQ(history.by_task.at("a\nclaude\n").time, seconds(10));
  EXPECT_EQ(history.by_task.at("a\nclaude\n").waited, seconds(20));
}

TEST(Learn, TimesAreWithoutWhatOthersSlowedAsThePlanHasIt) {
  std::vector<Sample> samples;
  // Four at once on a server that takes two: each ran at a third of its speed.
  for (const char* id : {"a", "b", "c", "d"}) {
    samples.push_back(sample(id, seconds(30), 1));
    samples.back().account = "acme";
  }
  EXPECT_EQ(learn(samples, {}, "/w").by_task.at("a\nclaude\n").time, seconds(30));
  EXPECT_EQ(learn(samples, {}, "/w", {{"acme", {2, 1}}}).by_task.at("a\nclaude\n").time,
            seconds(10));
}

TEST(Learn, WhatATaskTakesOfItsMachineIsMoreThanMostAttemptsTook) {
  std::vector<Sample> samples;
  for (int i = 0; i < 8; ++i) {
    samples.push_back(sample("a", seconds(100), i, "sh"));
    // Half of them shared the processors with others.
    samples.back().cpu_time = seconds(i % 2 == 0 ? 95 : 40);
    samples.back().memory_peak_bytes = (100 + i) << 20;
  }
  // It was killed because memory ran out: so much it had taken.
  samples.push_back(sample("a", seconds(50), 9, "sh"));
  samples.back().outcome = "exited-nonzero";
  samples.back().memory_peak_bytes = 300 << 20;
  samples.push_back(sample("b", seconds(100), 10, "sh"));
  const History history = learn(samples, {}, "/w");
  const MachineUse& use = history.by_task.at("a\nsh\n").machine;
  EXPECT_NEAR(use.cores.value_or(0), 0.95, 0.001);
  EXPECT_EQ(use.memory_bytes, 300 << 20);
  EXPECT_EQ(use.attempts, 9u);
  EXPECT_EQ(history.by_task.at("b\nsh\n").machine.attempts, 0u);

  PlanBuilder builder("p");
  for (const char* id : {"a", "b"}) builder.task(id);
  const std::vector<Expected> expected = expect(builder.plan(), history);
  EXPECT_EQ(expected[0].machine.memory_bytes, 300 << 20);
  EXPECT_FALSE(expected[1].machine.memory_bytes) << "one command says nothing of another";
}

TEST(Learn, JoiningIsTheMedianAndSaysOfHowManyRuns) {
  std::vector<Sample> samples;
  for (int run = 0; run < 4; ++run) {
    for (const char* id : {"a", "b"}) {
      samples.push_back(sample(id, seconds(60), 2 * run));
      samples.back().run = "r" + std::to_string(run);
      samples.back().join = seconds(run == 3 ? 1500 : 120);
    }
  }
  const History history = learn(samples, {}, "/w");
  EXPECT_EQ(history.by_task.at("a\nclaude\n").join->each, seconds(120));
  EXPECT_EQ(history.by_task.at("a\nclaude\n").join->runs, 4u);
  EXPECT_EQ(history.by_agent.at("claude\n").join->runs, 4u) << "two outputs a run";
}

TEST(Learn, ACoordinatorTellsWhatAnAgentTakesForEachOutput) {
  std::vector<Sample> samples;
  for (int i = 0; i < 3; ++i) {
    samples.push_back(sample("merge:all", seconds(50), i));
    samples.back().joined = 5;
    samples.back().usage = {9000, 1000, 0, 0, {}};
  }
  samples.push_back(sample("a", seconds(600), 4));
  const auto it = learn(samples, {}, "/w").coordinating;
  ASSERT_TRUE(it);
  EXPECT_EQ(it->each, seconds(10));
  EXPECT_EQ(it->tokens, 2000);
  EXPECT_EQ(it->attempts, 3u);
  EXPECT_FALSE(learn({samples.back()}, {}, "/w").coordinating);
}

TEST(Learn, ATaskThatNeverRanIsPricedByTheLengthOfItsPromptWhereThatTells) {
  std::vector<Sample> samples;
  for (int i = 0; i < 10; ++i) {
    samples.push_back(sample("t" + std::to_string(i), seconds(10 << i), i));
    samples.back().size = 100 << i;
    samples.back().usage = {1000 << i, 0, 0, 0, {}};
  }
  const History history = learn(samples, {}, "/w");
  PlanBuilder builder("p");
  builder.agent("claude", plan::AgentKind::claude_code);
  builder.task("long").by("claude").prompt(std::string(6400, 'x'));
  builder.task("short").by("claude").prompt(std::string(200, 'x'));
  builder.task("t9").by("claude").prompt("short this time");
  const std::vector<Expected> expected = expect(builder.plan(), history);
  EXPECT_NEAR(to_seconds(expected[0].time), 640, 1);
  EXPECT_NEAR(to_seconds(expected[1].time), 20, 1);
  EXPECT_EQ(expected[0].tokens, 64'000);
  EXPECT_EQ(say_source(expected[0]), "history of 10 of its agent, by its prompt's length");
  EXPECT_FALSE(expected[2].by_size) << "it ran before";
  // One length says nothing of others.
  for (Sample& it : samples) it.size = 100;
  EXPECT_FALSE(expect(builder.plan(), learn(samples, {}, "/w"))[0].by_size);
}

TEST(Learn, ACalibrationTellsTheTaxAndNoTimes) {
  Sample it = sample("calibrate", seconds(2), 1);
  it.workspace.clear();
  it.origin = Sample::Origin::calibration;
  it.spawn_tokens = 900;
  it.return_tokens = 4;
  const auto measurements = learn({it}, {}, "/w").by_agent.at("claude\n");
  EXPECT_EQ(measurements.count, 0u);
  EXPECT_EQ(measurements.spawn_tokens, 900);
}

TEST(Learn, WhatCannotBeIsLeftOut) {
  Sample it = sample("a", seconds(-4), 1);
  EXPECT_TRUE(learn({it}, {}, "/w").by_agent.empty());
}

TEST(ShapeOf, IsTheIdWithoutTheItem) {
  plan::Task task;
  task.id = "review-parser";
  EXPECT_EQ(shape_of(task), "review-parser");
  task.item = "src/parser.cc";
  EXPECT_EQ(shape_of(task), "review-*");
  task.id = "review-src/parser.cc";
  EXPECT_EQ(shape_of(task), "review-*");
}

TEST(FillFromHistory, ThePlansOwnWordGoesBefore) {
  PlanBuilder builder("p");
  builder.agent("claude", plan::AgentKind::claude_code);
  builder.task("a").by("claude");
  plan::Plan plan = builder.plan();
  const std::size_t claude = plan.tasks[0].agent.index();
  std::vector<std::string> keys(plan.agents.size());
  keys[claude] = "acme\nm";
  History history;
  history.slowings["acme\nm"] = {history::LearnedSlowing::Kind::found, {3, 0.8}, 40, 8};
  plan::Plan said = plan;
  said.agents[claude].slowing = plan::Slowing{5, 2};
  EXPECT_TRUE(fill_from_history(said, history, keys).empty());
  EXPECT_EQ(said.agents[claude].slowing->beyond, 5);
  const auto taken = fill_from_history(plan, history, keys);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken.at("claude").count, 40u);
  EXPECT_EQ(plan.agents[claude].slowing->beyond, 3);
  history.slowings["acme\nm"].kind = history::LearnedSlowing::Kind::same_level;
  plan.agents[claude].slowing.reset();
  EXPECT_TRUE(fill_from_history(plan, history, keys).empty());
  EXPECT_FALSE(plan.agents[claude].slowing) << "what was not measured prices nothing";
}

TEST(TimeOutFromHistory, LeavesAlonePlansThatSayOneAndTasksThatRanTooSeldom) {
  PlanBuilder builder("p");
  builder.task("often");
  builder.task("seldom");
  builder.task("said");
  plan::Plan plan = builder.plan();
  for (plan::Task& task : plan.tasks) task.timeout = std::chrono::minutes(30);
  plan.tasks[2].timeout_said = true;
  History history;
  for (const plan::Task& task : plan.tasks) {
    const std::string key = task.id + "\n" + plan.agents[task.agent.index()].name + "\n";
    history.by_task[key] = {
        .time = std::chrono::minutes(20), .count = task.id == "seldom" ? 4u : 5u, .spread = 0.1};
  }
  const auto said = time_out_from_history(plan, history);
  EXPECT_THAT(said, testing::ElementsAre(testing::StartsWith("`often` times out after 3 h")));
  EXPECT_EQ(plan.tasks[1].timeout, std::chrono::minutes(30));
  EXPECT_EQ(plan.tasks[2].timeout, std::chrono::minutes(30));
}

}  // namespace
}  // namespace interlock::decide
