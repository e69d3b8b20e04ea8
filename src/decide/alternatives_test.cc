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

TEST(Alternatives, OneAgentForAllPaysNoSecondTaxButReadsItsContextAgain) {
  PlanBuilder plan("review");
  plan.agent("claude", plan::AgentKind::claude_code);
  for (const char* id : {"a", "b", "c"})
    plan.task(id).by("claude").takes("30s").tokens(20'000).writes(id);
  const Decision it = decided(plan);
  ASSERT_TRUE(it.one_agent);
  EXPECT_EQ(it.one_agent->elapsed, it.sequential.elapsed);
  EXPECT_EQ(it.one_agent->overhead_tokens, 5000);
  // Four calls a task that add 2k each: the second reads 8k again each time, the third 16k.
  EXPECT_EQ(it.one_agent->cached_tokens, 4 * 8000 + 4 * 16'000);
  EXPECT_EQ(it.one_agent->tokens, 60'000 + 5000 + 96'000);
  EXPECT_TRUE(it.one_agent->fits);
  plan.task("test").takes("1s");
  EXPECT_FALSE(decided(plan).one_agent) << "it is not a work for that agent";
}

TEST(Alternatives, SiblingsThatStartLaterReadThePromptCache) {
  PlanBuilder plan("review");
  plan.agent("claude", plan::AgentKind::claude_code);
  for (const char* id : {"a", "b", "c"})
    plan.task(id).by("claude").takes("30s").tokens(20'000).costs(100'000).writes(id);
  const Decision it = decided(plan);
  EXPECT_EQ(it.sequential.cached_tokens, 2 * kPriorSpawnTokens);
  EXPECT_EQ(it.parallel.cached_tokens, 0) << "all start before the first has written it";
  EXPECT_LT(it.sequential.cost, it.parallel.cost);
  EXPECT_EQ(it.parallel.cost, 300'000);
}

TEST(Alternatives, ModelApisHaveABatchAtHalfThePrice) {
  PlanBuilder plan("mails");
  plan.agent("m", plan::AgentKind::chat);
  for (const char* id : {"a", "b"})
    plan.task(id).by("m").takes("30s").tokens(4000).costs(100'000).writes(id);
  const Decision it = decided(plan);
  ASSERT_TRUE(it.provider_batch);
  EXPECT_EQ(it.provider_batch->cost, 100'000);
  EXPECT_EQ(it.provider_batch->within, std::chrono::hours(24));
  plan.task("c").by("m").takes("30s").needs("b");
  EXPECT_EQ(decided(plan).provider_batch->within, std::chrono::hours(48));
  plan.task("d").takes("30s");
  EXPECT_FALSE(decided(plan).provider_batch);
}

}  // namespace
}  // namespace interlock::decide
