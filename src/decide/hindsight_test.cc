#include "decide/hindsight.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

using std::chrono::seconds;

const Time kNoon = Time(std::chrono::hours(500'000));

Lived took(Duration elapsed, Duration from = {}) {
  Lived lived;
  lived.attempts.push_back({kNoon + from, kNoon + from + elapsed, {}, true, {}});
  return lived;
}

/// Three tasks on a plan that was decided so, seen again.
Hindsight seen_again(PlanBuilder& builder, Pattern pattern, const std::vector<Lived>& lived) {
  const plan::Plan plan = builder.plan();
  const auto waits = plan::interlocking_of(plan);
  Options options;
  options.pattern = pattern;
  const Decision decision = decide(plan, waits, expect(plan, {}), options);
  return look_back(plan, decision.speculation.waits, decision, lived);
}

std::string text_of(const Hindsight& it) {
  std::string text;
  for (const Hindsight::Way& way : it.ways)
    text += fmt::format("{} {} s\n", way.name, to_seconds(way.elapsed));
  return text + fmt::format("decided {}, best {}", it.ways[it.decided].name, it.ways[it.best].name);
}

PlanBuilder three() {
  PlanBuilder plan("three");
  plan.task("a").writes("a").takes("10s");
  plan.task("b").writes("b").takes("10s");
  plan.task("c").writes("c").takes("10s");
  return plan;
}

TEST(Hindsight, ReplaysEachWayWithTheTrueTimes) {
  PlanBuilder plan = three();
  EXPECT_EQ(text_of(seen_again(plan, Pattern::sequential,
                               {took(seconds(50)), took(seconds(30)), took(seconds(20))})),
            "sequential 100 s\nqueue(2) 50 s\nparallel 50 s\ndecided sequential, best queue(2)");
}

TEST(Hindsight, FailedAttemptsFailAgainAndTasksThatDidNotRunTakeNothing) {
  PlanBuilder plan = three();
  Lived twice = took(seconds(30), seconds(10));
  twice.attempts.insert(twice.attempts.begin(), {kNoon, kNoon + seconds(5), {}, false, seconds(2)});
  EXPECT_EQ(text_of(seen_again(plan, Pattern::parallel, {twice, took(seconds(20)), {}})),
            "sequential 57 s\nqueue(2) 37 s\nparallel 37 s\ndecided parallel, best parallel");
}

TEST(Hindsight, WhatWasWaitedForAQuotaIsWaitedForAnewInEachWay) {
  PlanBuilder builder = three();
  plan::Plan plan = builder.plan();
  plan::Resource quota;
  quota.name = "api";
  quota.kind = plan::Resource::Kind::quota;
  quota.rates.requests = Rate{6, std::chrono::minutes(1)};
  quota.burst = seconds(10);
  plan.resources.push_back(quota);
  for (plan::Task& task : plan.tasks)
    task.uses.push_back({.resource = ResourceId(plan.resources.size() - 1)});
  const auto waits = plan::interlocking_of(plan);
  Options options;
  options.pattern = Pattern::parallel;
  const Decision decision = decide(plan, waits, expect(plan, {}), options);
  std::vector<Lived> lived{took(seconds(1)), took(seconds(11)), took(seconds(21))};
  lived[1].attempts[0].waited = seconds(10);
  lived[2].attempts[0].waited = seconds(20);
  EXPECT_EQ(text_of(look_back(plan, decision.speculation.waits, decision, lived)),
            "sequential 21 s\nqueue(2) 21 s\nparallel 21 s\ndecided parallel, best parallel");
}

TEST(Hindsight, WhatOthersSlowedIsTakenOutAndPricedAnew) {
  PlanBuilder builder = three();
  plan::Plan plan = builder.plan();
  for (plan::Agent& agent : plan.agents) agent.slowing = plan::Slowing{1, 1};
  const auto waits = plan::interlocking_of(plan);
  Options options;
  options.pattern = Pattern::parallel;
  const Decision decision = decide(plan, waits, expect(plan, {}), options);
  // Three at once, each at a third of its speed: ten seconds of work took thirty.
  EXPECT_EQ(text_of(look_back(plan, decision.speculation.waits, decision,
                              std::vector<Lived>(3, took(seconds(30))))),
            "sequential 30 s\nqueue(2) 30 s\nparallel 30 s\ndecided parallel, best parallel");
}

TEST(SayRegret, TellsOnlyWhatIsMoreThanNoise) {
  history::Regret it;
  it.pattern = "parallel";
  it.best = "queue(3)";
  it.took = seconds(100);
  it.best_took = seconds(99);
  EXPECT_EQ(say_regret(it), "nothing would have been faster than parallel");
  it.best_took = seconds(80);
  it.not_counted = "tasks that did not run";
  EXPECT_EQ(say_regret(it),
            "queue(3) would have taken 80 s, 20 % less (not counted: tasks that did not run)");
  EXPECT_DOUBLE_EQ(it.ratio(), 0.25);
}

}  // namespace
}  // namespace interlock::decide
