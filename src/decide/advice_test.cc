#include <fmt/format.h>
#include <gmock/gmock.h>

#include "decide/decision.h"
#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

Decision decided(const PlanBuilder& builder) {
  const plan::Plan& plan = builder.plan();
  return decide(plan, plan::interlocking_of(plan), expect(plan, {}), {});
}

TEST(Changes, ATaskThatHoldsTheRestUpIsToBeCutWhereThatGainsMost) {
  PlanBuilder plan("giant");
  plan.task("all").writes("all/**").takes("400s");
  for (int i = 0; i < 3; ++i) plan.task(fmt::format("t{}", i)).takes("60s");
  plan.task("test").takes("20s").needs("all");
  EXPECT_THAT(decided(plan).changes,
              testing::Contains("`all` takes 6 m 40 s of 7 m 00 s: cut it into 3 tasks that touch "
                                "different files (saves 4 m 00 s)"));
}

TEST(Changes, WhoReadsWhatAnotherWritesIsNotToldToReadLess) {
  PlanBuilder plan("real");
  plan.task("make").writes("out/a.md").takes("60s");
  plan.task("check").reads("out/**").takes("60s");
  for (const std::string& change : decided(plan).changes)
    EXPECT_THAT(change, testing::Not(testing::HasSubstr("reads")));
  plan.task("deep").writes("lib/x/y.cc").takes("60s");
  plan.task("all").reads("lib/**").takes("60s");
  EXPECT_THAT(decided(plan).changes,
              testing::Contains(testing::HasSubstr(
                  "`all` reads `lib/**`, which takes in what `deep` writes: if it does not need "
                  "that, name the files that it reads")));
}

TEST(Changes, NoProposalIsEmpty) {
  PlanBuilder builder("two");
  for (const char* id : {"a", "b"}) builder.task(id).takes("30s");
  plan::Plan plan = builder.plan();
  plan.limits.min_saving = {};  // Then every gain is worth a word, and none is not.
  for (const std::string& change :
       decide(plan, plan::interlocking_of(plan), expect(plan, {}), {}).changes)
    EXPECT_NE(change, "");
}

TEST(Changes, OneTaskIsNotToBeBatched) {
  PlanBuilder plan("tiny");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.agent("other", plan::AgentKind::claude_code);
  plan.task("a").by("claude").takes("30s").tokens(4000);
  EXPECT_THAT(
      decided(plan).warnings,
      testing::ElementsAre("The dispatch tax is 5k of 9k tokens (56 %): most of it for `a`, "
                           "which is small"));
  plan.task("b").by("other").takes("30s").tokens(4000);
  EXPECT_THAT(decided(plan).warnings,
              testing::ElementsAre("The dispatch tax is 10k of 18k tokens (56 %)"))
      << "they are different agents'";
}

}  // namespace
}  // namespace interlock::decide
