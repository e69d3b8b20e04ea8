#include "decide/merge_drivers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decide/decision.h"
#include "decide/speculation.h"
#include "support/plan_builder.h"

// Conflicts on files that the plan's merge drivers join: who waits for whom all the same.
namespace interlock::decide {
namespace {

using plan::Isolation;
using testing_support::PlanBuilder;

/// A plan whose driver joins lock files, wherever they lie.
plan::Plan with_driver(PlanBuilder builder) {
  plan::Plan plan = builder.plan();
  plan::MergeDriver driver;
  driver.files = footprint::PatternSet::parse(std::vector<std::string>{"**/*.lock"}).value();
  driver.run.shell = "join {merge.ours} {merge.theirs}";
  plan.drivers.push_back(std::move(driver));
  return plan;
}

/// Who waits for whom, a line each.
std::string waits(const plan::Plan& plan) {
  const std::vector<bool> nobody(plan.tasks.size(), false);
  std::string text;
  for (const auto& edge : waits_of(plan, plan::interlocking_of(plan), nobody).edges) {
    text += fmt::format("{} after {}: {} on {}\n", plan[edge.after].id, plan[edge.before].id,
                        footprint::name_of(edge.why), edge.on);
  }
  return text;
}

TEST(MergeDrivers, WhoWritesTheSameFileOfADriverDoesNotWait) {
  PlanBuilder plan("p");
  for (const char* id : {"a", "b", "c"})
    plan.task(id).reads("npm.lock").writes("npm.lock").in(Isolation::view);
  EXPECT_EQ(waits(with_driver(plan)), "");
  EXPECT_EQ(waits(plan.plan()),
            "b after a: write-write on npm.lock\n"
            "b after a: write-read on npm.lock\n"
            "c after b: write-write on npm.lock\n"
            "c after b: write-read on npm.lock\n");
}

TEST(MergeDrivers, WhoOnlyReadsItWaitsForAllWhoWriteIt) {
  PlanBuilder plan("p");
  plan.task("a").reads("**").in(Isolation::view);
  plan.task("b").writes("npm.lock").in(Isolation::view);
  plan.task("c").writes("npm.lock").in(Isolation::view);
  plan.task("d").reads("*.lock").writes("d").in(Isolation::view);
  EXPECT_EQ(waits(with_driver(plan)),
            "b after a: read-write on npm.lock\n"
            "c after a: read-write on npm.lock\n"
            "d after a: read-write on d\n"
            "d after b: write-read on *.lock\n"
            "d after c: write-read on *.lock\n");
}

TEST(MergeDrivers, WhatTheyWriteBesideItIsWaitedFor) {
  PlanBuilder plan("p");
  plan.task("a").writes("npm.lock").writes("src/a.cc").in(Isolation::view);
  plan.task("b").writes("npm.lock").writes("src/a.cc").in(Isolation::view);
  plan.task("c").writes("npm.lock").writes("src/c.cc").in(Isolation::view);
  EXPECT_EQ(waits(with_driver(plan)), "b after a: write-write on src/a.cc\n");
}

TEST(MergeDrivers, OnlyTasksWithSnapshotsAreJoined) {
  PlanBuilder plan("p");
  plan.task("a").writes("npm.lock").in(Isolation::view);
  plan.task("b").writes("npm.lock").in(Isolation::worktree);
  plan.task("c").writes("npm.lock");
  plan.task("d").writes("npm.lock").in(Isolation::guard);
  EXPECT_EQ(waits(with_driver(plan)),
            "c after a: write-write on npm.lock\n"
            "c after b: write-write on npm.lock\n"
            "d after a: write-write on npm.lock\n"
            "d after b: write-write on npm.lock\n"
            "d after c: write-write on npm.lock\n");
}

TEST(MergeDrivers, APatternThatIsOnlyInPartADriversIsWaitedFor) {
  PlanBuilder plan("p");
  plan.task("a").writes("npm.*").in(Isolation::view);
  plan.task("b").writes("npm.lock").in(Isolation::view);
  plan.task("c").writes("npm.lock").in(Isolation::view);
  EXPECT_EQ(waits(with_driver(plan)),
            "b after a: write-write on npm.lock\nc after a: write-write on npm.lock\n");
}

TEST(MergeDrivers, WhoIsUnknownIsWaitedFor) {
  PlanBuilder plan("p");
  plan.task("a").writes("npm.lock").in(Isolation::view);
  plan.task("b").unknown().in(Isolation::view);
  plan.task("c").writes("npm.lock").in(Isolation::view);
  EXPECT_EQ(waits(with_driver(plan)), "b after a: unknown on \nc after b: unknown on \n");
}

TEST(MergeDrivers, APlanOfOverlappingEntriesRunsAtOnceAndIsNotCalledIndependent) {
  PlanBuilder builder("p");
  for (const char* id : {"a", "b", "c"})
    builder.task(id).writes("npm.lock").takes("60s").in(Isolation::view);
  const plan::Plan plan = with_driver(builder);
  const Decision decision = decide(plan, plan::interlocking_of(plan), expect(plan, {}), Options{});
  EXPECT_EQ(decision.pattern, Pattern::parallel);
  EXPECT_EQ(decision.speculation.edges_joined, 2u);
  EXPECT_EQ(decision.speculation.edges_lifted, 0u);
  EXPECT_TRUE(decision.speculation.risks.empty());
  EXPECT_EQ(
      decision.independent.why,
      "some of 3 tasks may overlap; merge drivers join the files that `a`, `b` and `c` share");
  EXPECT_THAT(decision.reasons,
              testing::Contains("2 conflicts are not waited for: the plan's merge drivers join "
                                "the files that `a`, `b` and `c` share, in plan order"));
}

TEST(MergeDrivers, ThatNobodyCanUseAreAWarning) {
  PlanBuilder builder("p");
  builder.task("a").writes("npm.lock").takes("60s");
  const plan::Plan plan = with_driver(builder);
  const Decision decision = decide(plan, plan::interlocking_of(plan), expect(plan, {}), Options{});
  EXPECT_THAT(
      decision.warnings,
      testing::Contains("no merge driver is ever asked: no task works in a view or worktree"));
}

TEST(MergeDrivers, WhereAPatternIsAskedForOnlyWhatNoDriverJoinsIsARisk) {
  PlanBuilder builder("p");
  builder.task("a").writes("npm.lock").takes("60s").in(Isolation::view);
  builder.task("b").writes("npm.lock").takes("60s").in(Isolation::view);
  builder.task("c").reads("npm.lock").takes("60s").in(Isolation::view);
  const plan::Plan plan = with_driver(builder);
  Options options;
  options.pattern = Pattern::parallel;
  const Decision decision = decide(plan, plan::interlocking_of(plan), expect(plan, {}), options);
  ASSERT_EQ(decision.speculation.risks.size(), 2u);
  for (const Risk& risk : decision.speculation.risks) EXPECT_EQ(risk.after, TaskId(2));
}

}  // namespace
}  // namespace interlock::decide
