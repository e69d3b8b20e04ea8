#include "decide/host_bounds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing_support::PlanBuilder;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

PlanBuilder tasks(int count, std::string_view takes = "60s") {
  PlanBuilder plan("busy");
  for (int i = 0; i < count; ++i) plan.task(fmt::format("t{}", i)).takes(takes);
  plan.limits().parallel = 16;
  return plan;
}

/// As if history had seen that each task takes that much of its machine.
Decision decided(const PlanBuilder& builder, const MachineUse& use, const Options& options) {
  const plan::Plan& plan = builder.plan();
  std::vector<Expected> expected = expect(plan, {});
  for (Expected& it : expected) it.machine = use, it.spread = 0.05;
  return decide(plan, plan::interlocking_of(plan), expected, options);
}

Options with(Host host) {
  Options options;
  options.host = host;
  return options;
}

TEST(Processors, EightTasksThatEachKeepOneBusyGetTwoSlotsOnTwo) {
  const MachineUse one{.cores = 1, .attempts = 12};
  const Decision it = decided(tasks(8), one, with({.processors = 2}));
  EXPECT_EQ(it.pattern, Pattern::queue);
  EXPECT_EQ(it.n, 2u);
  EXPECT_EQ(it.narrower.why, Narrower::Why::processors);
  EXPECT_EQ(it.queue.elapsed, std::chrono::seconds(240));
  EXPECT_NEAR(to_seconds(it.parallel.elapsed), 240, 0.01) << "eight at once share the two";
  EXPECT_THAT(it.reasons,
              Contains(HasSubstr("This host has 2 processors, and a task keeps 1.0 of one busy "
                                 "(from 12 attempts): 2 at once take")));
}

TEST(Processors, AThirdSlotIsTakenWhereTwoWouldLeaveOneIdle) {
  // Three in two slots take two rounds; three at once on two processors one and a half.
  const Decision it = decided(tasks(3), {.cores = 1, .attempts = 3}, with({.processors = 2}));
  EXPECT_EQ(it.n, 3u);
  EXPECT_NEAR(to_seconds(it.parallel.elapsed), 90, 0.01);
}

TEST(Processors, FewWidthsAreJudged) {
  schedule::Problem problem;
  problem.processors = 0;
  problem.slowings = {{8, 0.125}};
  problem.jobs.resize(200);
  for (std::size_t i = 0; i < problem.jobs.size(); ++i)
    problem.jobs[i] = {.slowing = 0, .load = i < 4 ? 2.0 : 0.5};
  using testing::ElementsAre;
  EXPECT_THAT(widths_on_processors(problem, 64), ElementsAre(4, 10, 16, 22, 28, 64));
  EXPECT_THAT(widths_on_processors(problem, 16), ElementsAre(4, 7, 10, 13, 16));
  EXPECT_THAT(widths_on_processors(problem, 3), ElementsAre(3));
  for (schedule::Job& job : problem.jobs) job.load = 20;
  EXPECT_THAT(widths_on_processors(problem, 16), ElementsAre(1, 16));
}

TEST(Processors, AreSharedByWhatEachWants) {
  const PlanBuilder builder = tasks(2);
  const plan::Plan& plan = builder.plan();
  std::vector<Expected> expected = expect(plan, {});
  expected[0].machine.cores = 2;
  expected[1].machine.cores = 1;
  Options options = with({.processors = 2});
  options.pattern = Pattern::parallel;
  const footprint::Interlocking waits = plan::interlocking_of(plan);
  EXPECT_NEAR(to_seconds(decide(plan, waits, expected, options).parallel.elapsed), 90, 0.01)
      << "three wanted of two: both go at two thirds";
  // One that wants more than there is goes slower alone, too.
  expected[0].machine.cores = 4;
  expected[1].machine.cores = 0;
  const Decision alone = decide(plan, waits, expected, options);
  EXPECT_NEAR(to_seconds(alone.sequential.elapsed), 180, 0.01);
  EXPECT_NEAR(to_seconds(alone.parallel.elapsed), 120, 0.01);
}

TEST(Processors, WhatWaitsMostOfItsTimeIsNotKeptBack) {
  const Decision it = decided(tasks(8), {.cores = 0.1, .attempts = 3}, with({.processors = 2}));
  EXPECT_EQ(it.pattern, Pattern::parallel);
  EXPECT_EQ(it.n, 8u);
  EXPECT_EQ(it.parallel.elapsed, std::chrono::seconds(60));
}

TEST(Processors, WhatThePlanSaysOfSlowingGoesBefore) {
  PlanBuilder plan = tasks(8);
  plan.slowing("sh", 4, 0);
  const Decision it = decided(plan, {.cores = 1, .attempts = 3}, with({.processors = 2}));
  EXPECT_EQ(it.n, 8u);
  EXPECT_EQ(it.parallel.elapsed, std::chrono::seconds(60));
}

TEST(Processors, WhereHistorySawNoSlowingItSawItOnlySoFar) {
  PlanBuilder plan = tasks(8);
  plan.slowing("sh", 2, 0);
  Options options = with({.processors = 2});
  options.learned["sh"] = {.count = 20, .what = "command", .slowing = {2, 0}};
  EXPECT_EQ(decided(plan, {.cores = 1, .attempts = 3}, options).n, 2u);
}

TEST(Processors, NothingIsNarrowerWhereNobodyMeasured) {
  const Decision it = decided(tasks(8), {}, with({.processors = 2, .memory_bytes = kGiB}));
  EXPECT_EQ(it.pattern, Pattern::parallel);
  EXPECT_FALSE(it.memory);
}

TEST(Memory, NoMoreRunAtOnceThanHaveIt) {
  const MachineUse two{.memory_bytes = 2 * kGiB, .attempts = 5};
  const Decision it = decided(tasks(8), two, with({.memory_bytes = 7 * kGiB}));
  EXPECT_EQ(it.n, 3u) << "a tenth of seven stays free";
  EXPECT_EQ(it.pattern, Pattern::queue);
  EXPECT_THAT(it.reasons, Contains("Memory is there for 3 at once: the largest takes 2.0 GiB (from "
                                   "5 attempts), and this host has 7.0 GiB now, of which a tenth "
                                   "stays free"));
  EXPECT_THAT(it.reasons, Not(Contains(HasSubstr("`limits.parallel`"))));
}

TEST(Memory, OneMayAlwaysRun) {
  const MachineUse nine{.memory_bytes = 9 * kGiB, .attempts = 1};
  const Decision it = decided(tasks(8), nine, with({.memory_bytes = 7 * kGiB}));
  EXPECT_EQ(it.n, 1u);
  EXPECT_EQ(it.pattern, Pattern::sequential);
  EXPECT_THAT(it.reasons, Contains(HasSubstr("Memory is there for 1 at once")));
}

TEST(Memory, TheLargestThatMayMeetAreCounted) {
  PlanBuilder builder = tasks(4);
  std::vector<Expected> expected = expect(builder.plan(), {});
  const std::int64_t sizes[] = {1, 4, 1, 3};
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i].machine = {.memory_bytes = sizes[i] * kGiB, .attempts = 2};
  const auto fits = [&](std::int64_t free) {
    const auto bound = memory_bound(expected, {.memory_bytes = free * kGiB}, 16);
    return bound ? bound->at_once : 0;
  };
  EXPECT_EQ(fits(12), 0u) << "all nine fit";
  EXPECT_EQ(fits(9), 3u);
  EXPECT_EQ(fits(8), 2u);
  EXPECT_EQ(fits(4), 1u);
  EXPECT_FALSE(memory_bound(expected, {}, 16)) << "what the host has is not known";
  EXPECT_FALSE(memory_bound(expected, {.memory_bytes = 8 * kGiB}, 2)) << "the cap is no wider";
}

TEST(Memory, WhoAsksForMoreIsToldWhatTheyMayNeed) {
  Options options = with({.memory_bytes = 7 * kGiB});
  options.parallel = 8;
  const Decision it = decided(tasks(8), {.memory_bytes = 2 * kGiB, .attempts = 5}, options);
  EXPECT_EQ(it.n, 8u);
  EXPECT_THAT(it.warnings, Contains(HasSubstr("8 at once may need more memory than there is: the "
                                              "largest takes 2.0 GiB (from 5 attempts)")));
  EXPECT_THAT(it.reasons, Not(Contains(HasSubstr("Memory is there"))));
}

TEST(Words, OfProcessorsAndMemory) {
  EXPECT_EQ(say_processors(1), "1 processor");
  EXPECT_EQ(say_processors(1.5), "1.5 processors");
  EXPECT_EQ(say_memory(340 << 20), "340 MiB");
  EXPECT_EQ(say_memory(kGiB * 5 / 2), "2.5 GiB");
}

}  // namespace
}  // namespace interlock::decide
