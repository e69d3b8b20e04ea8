#include <fmt/format.h>
#include <gmock/gmock.h>

#include "decide/decision.h"
#include "support/plan_builder.h"

// Tasks that start beside what they might meet: who, at what price, and what is said of it.
namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

Decision decided(const PlanBuilder& builder, const Options& options = {}) {
  const plan::Plan& plan = builder.plan();
  return decide(plan, plan::interlocking_of(plan), expect(plan, {}), options);
}

PlanBuilder three_that_conflict() {
  PlanBuilder plan("meeting");
  plan.task("a").writes("src/**").takes("60s").tokens(10000).in(plan::Isolation::view);
  plan.task("b").writes("src/**").takes("60s").tokens(10000).in(plan::Isolation::view);
  plan.task("c").unknown().takes("60s").tokens(10000).in(plan::Isolation::view);
  return plan;
}

std::string overlap_of(const Decision& it) {
  std::string text = fmt::format("{}, {} at once\n", name_of(it.pattern), it.n);
  for (const std::string& line : it.reasons) text += line + "\n";
  return text;
}

TEST(Speculation, ViewsAloneLetNothingOverlapThatMeets) {
  EXPECT_EQ(overlap_of(decided(three_that_conflict())),
            "sequential, 1 at once\n"
            "Tasks run one by one in plan order: overlapping is not possible and not worth it\n"
            "Whether they really meet is not known: with `limits: {speculate: true}` 2 m 34 s on "
            "average instead of 3 m 46 s, 0.9 attempts done again, 12.9k tokens wasted\n");
}

TEST(Speculation, WithViewsAPatternThatIsAskedForTakesTheRiskOfConflicts) {
  Options options;
  options.pattern = Pattern::parallel;
  EXPECT_EQ(
      overlap_of(decided(three_that_conflict(), options)),
      "parallel, 3 at once\n"
      "You asked for `--pattern parallel`\n"
      "All 3 tasks run at once: 60 s instead of 3 m 00 s; 83 s saved with what is done again\n"
      "3 conflicts are not waited for: the tasks have views, and what meets is found when it "
      "is committed\n"
      "On average 0.9 of the attempts are done again, 12.9k tokens wasted (assumed: two that "
      "might meet do in 30 % of cases)\n");
}

TEST(Speculation, SpeculationIsPricedAgainstItsBudgetInPlanOrder) {
  PlanBuilder plan = three_that_conflict();
  plan.limits().speculate = true;
  plan.limits().speculate_tokens = 10'000;
  EXPECT_EQ(overlap_of(decided(plan)),
            "parallel, 2 at once\n"
            "Up to 2 of 3 tasks run at once: 2 m 00 s instead of 3 m 00 s; 44.8 s saved with what "
            "is done again\n"
            "1 conflict is not waited for: the tasks have views, and what meets is found when it "
            "is committed\n"
            "On average 0.3 of the attempts are done again, 4.6k tokens wasted (assumed: two that "
            "might meet do in 30 % of cases)\n"
            "`c` does not speculate: the 10k tokens that may be wasted are spoken for\n");
}

TEST(Speculation, WhatConflictedTooOftenDoesNotSpeculate) {
  PlanBuilder plan = three_that_conflict();
  plan.limits().speculate = true;
  History history;
  history.by_task["b\nsh\n"].p_conflict = 0.9;
  const Decision it =
      decide(plan.plan(), plan::interlocking_of(plan.plan()), expect(plan.plan(), history), {});
  EXPECT_THAT(it.reasons,
              testing::Contains("`b` does not speculate: it conflicts too often (90 %)"));
}

TEST(Speculation, WhatIsExpectedToSaveTimeAllTheSameSpeculatesWhereThatIsAskedFor) {
  PlanBuilder plan("vague");
  for (int i = 0; i < 6; ++i)
    plan.task(fmt::format("t{}", i))
        .writes("src/**")
        .takes("60s")
        .in(plan::Isolation::view)
        .conflicts(0.6);
  EXPECT_EQ(decided(plan).pattern, Pattern::sequential) << "nobody asked for it";
  plan.limits().speculate = true;
  const Decision it = decided(plan);
  EXPECT_NE(it.pattern, Pattern::sequential);
  EXPECT_LE(it.chosen().range.mean, it.sequential.range.mean * 9 / 10);
}

TEST(Speculation, ThoseThatMayMeetStartInPlanOrderForSoTheyCommit) {
  PlanBuilder plan("vague");
  for (int i = 0; i < 4; ++i)
    plan.task(fmt::format("t{}", i))
        .writes("src/**")
        .takes(fmt::format("{}s", 30 + 30 * i))
        .in(plan::Isolation::view)
        .conflicts(0.2);
  plan.limits().speculate = true;
  plan.limits().parallel = 2;
  const Decision it = decided(plan);
  ASSERT_NE(it.pattern, Pattern::sequential);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(it.timeline.slots[i].task, TaskId(i));
}

TEST(Speculation, TasksThatSurelyMeetAreForecastAsDoneAgain) {
  PlanBuilder plan("one-file");
  for (int i = 0; i < 4; ++i)
    plan.task(fmt::format("t{}", i)).writes("notes.md").takes("60s").in(plan::Isolation::view);
  Options options;
  options.pattern = Pattern::parallel;
  EXPECT_EQ(decided(plan, options).parallel.elapsed, std::chrono::seconds(240));
}

TEST(Speculation, WhatSpeculationWouldBringIsOffered) {
  PlanBuilder plan("vague");
  for (int i = 0; i < 6; ++i)
    plan.task(fmt::format("t{}", i))
        .writes("src/**")
        .takes("60s")
        .tokens(10'000)
        .in(plan::Isolation::view);
  const Decision it = decided(plan);
  EXPECT_EQ(it.pattern, Pattern::sequential);
  ASSERT_FALSE(it.changes.empty());
  EXPECT_THAT(it.changes.front(),
              testing::HasSubstr("`limits: {speculate: true}` would let 6 tasks"));
  EXPECT_THAT(it.changes.front(), testing::HasSubstr("tokens wasted"));
}

TEST(Speculation, WhereThePlanStatesTheOddsSpeculationIsTakenIfItPays) {
  const auto vague = [](double conflicts) {
    PlanBuilder plan("vague");
    for (int i = 0; i < 6; ++i)
      plan.task(fmt::format("t{}", i))
          .writes("src/**")
          .takes("60s")
          .tokens(10'000)
          .in(plan::Isolation::view)
          .conflicts(conflicts);
    return plan;
  };
  const Decision rare = decided(vague(0.05));
  EXPECT_NE(rare.pattern, Pattern::sequential);
  EXPECT_LT(rare.chosen().range.mean, rare.sequential.range.mean / 2);
  EXPECT_THAT(rare.reasons, testing::Contains(testing::HasSubstr("(odds from the plan)")));
  EXPECT_EQ(decided(vague(0.9)).pattern, Pattern::sequential) << "it meets too often";
  PlanBuilder never = vague(0.05);
  never.limits().speculate_said = true;
  EXPECT_EQ(decided(never).pattern, Pattern::sequential) << "a person said no";
}

TEST(Speculation, WhatIsWastedIsUnknownWhereATasksTokensAre) {
  PlanBuilder plan("vague");
  plan.agent("claude", plan::AgentKind::claude_code);
  for (const char* id : {"a", "b", "c"})
    plan.task(id).by("claude").writes("src/**").takes("60s").in(plan::Isolation::view);
  EXPECT_FALSE(decided(plan, {.pattern = Pattern::parallel}).parallel.range.wasted_tokens);
}

}  // namespace
}  // namespace interlock::decide
