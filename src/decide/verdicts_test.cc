#include "decide/verdicts.h"

#include <gmock/gmock.h>

#include "decide/criteria.h"
#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing_support::PlanBuilder;

/// Two write prose that nobody merges, and a third waits for both.
PlanBuilder two_and_one() {
  PlanBuilder plan("prose");
  plan.task("a").prose().takes("10m");
  plan.task("b").prose().takes("10m");
  plan.task("c").needs("a").needs("b").takes("1m");
  return plan;
}

std::vector<Verdict> priced(const plan::Plan& plan, Duration each, std::uint32_t runs) {
  std::vector<Expected> expected = expect(plan, {});
  for (Expected& it : expected) it.join = Joining{each, runs};
  std::vector<Verdict> verdicts = verdicts_of(plan);
  price_joining(plan, expected, verdicts);
  return verdicts;
}

TEST(Joining, IsPricedByHistoryAndTheTestSaysOfHowManyRuns) {
  const PlanBuilder builder = two_and_one();
  const std::vector<Verdict> verdicts = priced(builder.plan(), minutes(2), 4);
  EXPECT_EQ(verdicts[0].join, minutes(2));
  EXPECT_EQ(verdicts[0].join_from, From::history);
  EXPECT_EQ(verdicts[2].join, Duration::zero()) << "an exit status joins by itself";
  Forecast overlapped;
  overlapped.join = minutes(4);
  EXPECT_EQ(mergeable_test(builder.plan(), verdicts, overlapped).why,
            "joining `a` and `b` by hand takes 4 m 00 s (2 m 00 s each, from 4 runs)");
}

TEST(Joining, IsWhatThePlanSaysBeforeAnything) {
  PlanBuilder builder("prose");
  builder.task("a").prose().takes("10m").joins("30s");
  const std::vector<Verdict> verdicts = priced(builder.plan(), minutes(2), 4);
  EXPECT_EQ(verdicts[0].join, seconds(30));
  EXPECT_EQ(verdicts[0].join_from, From::plan);
}

TEST(Joining, AtAGateIsNotCountedBesideTheAnswer) {
  PlanBuilder builder("prose");
  builder.task("a").prose().takes("10m");
  builder.task("b").prose().takes("10m");
  builder.task("c").needs("a").needs("b").gate_before();
  builder.limits().answer = minutes(4);
  EXPECT_EQ(loose_outputs_before(builder.plan(), verdicts_of(builder.plan()), TaskId(2)),
            (std::vector{TaskId(0), TaskId(1)}));
  std::vector<Verdict> verdicts = priced(builder.plan(), minutes(2), 4);
  EXPECT_EQ(verdicts[0].join, Duration::zero());
  EXPECT_EQ(mergeable_test(builder.plan(), verdicts, {}).why,
            "what a person joins at a gate is in the time they take there");
  // What takes longer than they took there is still to be done.
  verdicts = priced(builder.plan(), minutes(5), 4);
  EXPECT_EQ(verdicts[1].join, minutes(3));
  // How long they take is not known: nothing of it is counted.
  builder.limits().answer.reset();
  EXPECT_EQ(priced(builder.plan(), minutes(2), 4)[0].join, minutes(2));
}

TEST(Joining, ByAnAgentIsProposedWithWhatThatTookBefore) {
  const PlanBuilder builder = two_and_one();
  const plan::Plan& plan = builder.plan();
  Options options;
  options.coordinating = Coordinating{seconds(8), 1200, 5};
  const Decision it = decide(plan, plan::interlocking_of(plan), expect(plan, {}), options);
  EXPECT_THAT(it.changes, testing::Contains(testing::HasSubstr(
                              "`with: agent` merge (agents took 8 s and 1.2k tokens an output, "
                              "from 5 attempts)")));
}

TEST(Joining, AtAReviewIsSharedByThoseReviewed) {
  PlanBuilder builder = two_and_one();
  builder.limits().answer = minutes(4);
  builder.limits().gate_every = 4;
  EXPECT_EQ(priced(builder.plan(), minutes(2), 4)[0].join, minutes(1));
}

}  // namespace
}  // namespace interlock::decide
