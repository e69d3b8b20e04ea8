#include "decide/breakeven.h"

#include <gmock/gmock.h>

#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

Breakeven of(const PlanBuilder& builder) {
  return breakeven(builder.plan(), expect(builder.plan(), {}));
}

PlanBuilder one_task(const char* time) {
  PlanBuilder plan("one");
  plan.task("ask").reads("in").takes(time);
  return plan;
}

TEST(Breakeven, LongTasksPayFromTwoOnAndShortOnesWhenTheySaveEnough) {
  EXPECT_EQ(of(one_task("60s")).crossings.pays_from, 2);
  EXPECT_EQ(of(one_task("5s")).crossings.pays_from, 4) << "`limits.min_saving` asks for 10 s";
  EXPECT_EQ(of(one_task("100ms")).crossings.pays_from, std::nullopt);
}

TEST(Breakeven, WithoutSlowingAQueueIsNeverBetter) {
  const Breakeven it = of(one_task("60s"));
  EXPECT_EQ(it.crossings.queue_from, std::nullopt);
  EXPECT_THAT(it.sentence, testing::HasSubstr("a queue is never better than all at once"));
  EXPECT_THAT(it.not_measured, testing::Contains("how they slow each other"));
}

TEST(Breakeven, AKneeThatFallsHardIsWhereTheQueueBegins) {
  for (const int knee : {3, 4}) {
    PlanBuilder plan = one_task("60s");
    plan.slowing("sh", knee, 1);
    const Breakeven it = of(plan);
    EXPECT_EQ(it.crossings.queue_from, knee + 1) << it.sentence;
    EXPECT_EQ(it.crossings.queue_of, knee);
  }
}

TEST(Breakeven, AKneeThatFallsSoftlyMakesNoQueue) {
  PlanBuilder plan = one_task("60s");
  plan.slowing("sh", 3, 0.1);
  EXPECT_EQ(of(plan).crossings.queue_from, std::nullopt) << "0.1 * 3 is below 1";
}

TEST(Breakeven, JoiningThatTakesLongerThanTheTaskNeverPays) {
  PlanBuilder plan("prose");
  plan.task("ask").reads("in").prose().takes("60s");
  EXPECT_EQ(of(plan).crossings.pays_from, std::nullopt) << "three minutes each";
}

TEST(Breakeven, ConflictsThatThePlanStatesAreInIt) {
  PlanBuilder plan("edit");
  plan.task("edit").writes("src/**").takes("60s").in(plan::Isolation::view).conflicts(0.2);
  EXPECT_GT(of(plan).crossings.points.back().at_once.redone, 0);
}

TEST(Breakeven, WhatKeepsTheOnlyProcessorBusyNeverPays) {
  const PlanBuilder plan = one_task("60s");
  std::vector<Expected> expected = expect(plan.plan(), {});
  expected[0].machine.cores = 1;
  Options options;
  options.host.processors = 1;
  const Breakeven it = breakeven(plan.plan(), expected, options);
  EXPECT_EQ(it.crossings.pays_from, std::nullopt) << it.sentence;
  EXPECT_THAT(it.not_measured, testing::Not(testing::Contains("how they slow each other")));
  options.host.processors = 16;
  EXPECT_EQ(breakeven(plan.plan(), expected, options).crossings.pays_from, 2);
}

TEST(Breakeven, JoiningIsThatOfHistory) {
  PlanBuilder plan("prose");
  plan.task("ask").reads("in").prose().takes("60s");
  std::vector<Expected> expected = expect(plan.plan(), {});
  expected[0].join = Joining{std::chrono::seconds(5), 3};
  const Breakeven it = breakeven(plan.plan(), expected);
  EXPECT_EQ(it.join, std::chrono::seconds(5));
  EXPECT_EQ(it.crossings.pays_from, 2);
}

TEST(Breakeven, SaysWhatMovesTheAnswerMost) {
  const Breakeven it = of(one_task("60s"));
  ASSERT_FALSE(it.sensitivities.empty());
  EXPECT_EQ(it.sensitivities.front().assumption, "two tasks meet");
  for (const SweepPoint& point : it.crossings.points) {
    EXPECT_LE(point.at_once.p50, point.at_once.p90);
    EXPECT_GE(point.at_once.draws, 32u);
  }
}

}  // namespace
}  // namespace interlock::decide
