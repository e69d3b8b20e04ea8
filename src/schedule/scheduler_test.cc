#include "schedule/scheduler.h"

#include "schedule/fixture.h"

namespace interlock::schedule {
namespace {

TEST(Scheduler, StartsTheLongestChainFirstAndFillsTheSlots) {
  Draft draft;
  const auto a = draft.job(5);
  draft.job(10);
  const auto c = draft.job(30), d = draft.job(40);
  draft.needs(d, a);
  Play play(draft, by_priority(2));
  play.choose(0).done(a, 5).choose(5).done(c, 30).choose(30);
  EXPECT_EQ(play.log, "0: a c\n5: d\n30: b\n");
}

TEST(Scheduler, TiesGoInPlanOrder) {
  Draft draft;
  for (int i = 0; i < 4; ++i) draft.job(10);
  Play play(draft, by_priority(3));
  play.choose(0);
  EXPECT_EQ(play.log, "0: a b c\n");
  EXPECT_EQ(play.reason(TaskId(3), 1), "slot");
}

TEST(Scheduler, InSequenceEachTaskWaitsForTheOneBeforeItToBeOver) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(100), c = draft.job(1000);
  Play play(draft, in_plan_order());
  play.choose(0);
  EXPECT_EQ(play.reason(c, 0), "order b");
  play.scheduler.release(a, {}, at(1));
  play.choose(1);  // Not over yet: it may have to be tried again.
  EXPECT_EQ(play.reason(b, 1), "order a");
  play.scheduler.end(a, End::succeeded, at(2));
  play.choose(2).done(b, 3).choose(3);
  EXPECT_EQ(play.log, "0: a\n2: b\n3: c\n");
}

TEST(Scheduler, InSequenceARetryGoesBeforeWhatFollows) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1);
  Play play(draft, in_plan_order());
  play.choose(0);
  play.scheduler.release(a, {}, at(1));
  play.scheduler.requeue(a, at(9), at(1));
  play.choose(1);
  EXPECT_EQ(play.reason(a, 1), "backoff until 9");
  EXPECT_EQ(play.reason(b, 1), "order a");
  EXPECT_EQ(play.scheduler.next_wake(at(1)), at(9));
  play.choose(9);
  EXPECT_EQ(play.log, "0: a\n9: a\n");
}

TEST(Scheduler, AConflictWaitsForAnyEndAndANeedForSuccess) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1), c = draft.job(1), d = draft.job(1);
  draft.conflict(a, b);
  draft.needs(c, a);
  draft.needs(d, c);
  Play play(draft, by_priority(4));
  play.choose(0);
  EXPECT_EQ(play.reason(b, 0), "conflict a");
  EXPECT_EQ(play.reason(c, 0), "needs a");
  play.done(a, 1, End::failed).choose(1);
  std::string told;
  for (const auto& [task, because] : play.scheduler.take_unreachable())
    told += name(task) + " because of " + name(because) + "; ";
  EXPECT_EQ(told, "c because of a; d because of c; ");
  EXPECT_TRUE(play.scheduler.take_unreachable().empty()) << "each is told once";
  EXPECT_EQ(play.log, "0: a\n1: b\n");
  EXPECT_EQ(play.reason(d, 1), "needs c");
}

TEST(Scheduler, ARevivedTaskIsWaitedForAgain) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1);
  draft.needs(b, a);
  Play play(draft, by_priority(2));
  play.choose(0).done(a, 1, End::failed);
  play.scheduler.take_unreachable();
  play.scheduler.end(b, End::skipped, at(1));
  EXPECT_TRUE(play.scheduler.all_ended());
  play.scheduler.revive(b, at(5));
  play.scheduler.revive(a, at(5));
  EXPECT_TRUE(play.scheduler.take_unreachable().empty());
  EXPECT_EQ(play.reason(b, 5), "needs a");
  play.choose(5).done(a, 6).choose(6);
  EXPECT_EQ(play.log, "0: a\n5: a\n6: b\n");
  EXPECT_EQ(play.waited(b, 6), "needs 1");
}

TEST(Scheduler, ANeedThatStandsForAConflictTooWaitsForWhatIsRevivedBeforeIt) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1), c = draft.job(1);
  draft.conflict(a, b);  // All three use one lock.
  draft.needs(c, b);
  Play play(draft, by_priority(4));
  play.choose(0).done(a, 1, End::failed).choose(1).done(b, 2).choose(2).done(c, 3, End::failed);
  play.scheduler.revive(a, at(4));
  play.scheduler.revive(c, at(4));
  play.choose(4);
  EXPECT_EQ(play.reason(c, 4), "conflict a");
  play.done(a, 5).choose(5);
  EXPECT_EQ(play.log, "0: a\n1: b\n2: c\n4: a\n5: c\n");
}

TEST(Scheduler, ATaskThatRunsAloneIsAWallInPlanOrder) {
  Draft draft;
  const auto a = draft.job(5), b = draft.job(1), wall = draft.exclusive(1), d = draft.job(100);
  Play play(draft, by_priority(4));
  play.choose(0);
  EXPECT_EQ(play.reason(wall, 0), "alone a");
  EXPECT_EQ(play.reason(d, 0), "alone c");
  play.done(a, 5).choose(5);
  EXPECT_EQ(play.reason(wall, 5), "alone b");
  play.done(b, 6).choose(6).done(wall, 7).choose(7);
  EXPECT_EQ(play.log, "0: a b\n6: c\n7: d\n");
}

TEST(Scheduler, AWallThatIsCancelledStandsNoLonger) {
  Draft draft;
  draft.job(5);
  const auto wall = draft.exclusive(1);
  draft.job(1);
  Play play(draft, by_priority(4));
  play.choose(0);
  play.scheduler.end(wall, End::cancelled, at(1));
  play.choose(1);
  EXPECT_EQ(play.log, "0: a\n1: c\n");
}

TEST(Scheduler, WhatABigTaskWaitsForIsKeptForIt) {
  Draft draft;
  const auto gpu = draft.capacity(4);
  const auto a = draft.job(10, {{gpu, 2}}), big = draft.job(9, {{gpu, 4}}),
             c = draft.job(8, {{gpu, 2}});
  draft.job(7);
  Play play(draft, by_priority(4));
  play.choose(0);
  EXPECT_EQ(play.log, "0: a d\n") << "`c` would fit, and would starve `b`";
  EXPECT_EQ(play.reason(big, 0), "capacity r0");
  EXPECT_EQ(play.reason(c, 0), "reserved b r0");
  play.done(a, 10).choose(10).done(big, 19).choose(19);
  EXPECT_EQ(play.log, "0: a d\n10: b\n19: c\n");
}

TEST(Scheduler, WhatABigTaskDoesNotNeedMayBeTaken) {
  Draft draft;
  const auto gpu = draft.capacity(2), disk = draft.capacity(5);
  draft.job(10, {{gpu, 1}});
  const auto big = draft.job(9, {{gpu, 2}, {disk, 3}});
  draft.job(8, {{disk, 2}});
  const auto d = draft.job(7, {{disk, 1}});
  Play play(draft, by_priority(4));
  play.choose(0);
  EXPECT_EQ(play.log, "0: a c\n");
  EXPECT_EQ(play.reason(d, 0), "reserved b r1");
  play.scheduler.end(big, End::cancelled, at(1));
  play.choose(1);
  EXPECT_EQ(play.log, "0: a c\n1: d\n") << "with `b` gone nothing is kept";
}

TEST(Scheduler, AQuotaSaysWhenItAdmits) {
  Draft draft;
  const auto api =
      draft.quota({.requests = per_second(1), .input_tokens = {}, .output_tokens = {}, .usd = {}});
  const auto a = draft.job(1, {}, {{.quota = api, .requests = 6}}),
             b = draft.job(1, {}, {{.quota = api, .requests = 3}}),
             c = draft.job(1, {}, {{.quota = api, .requests = 1}});
  Play play(draft, by_priority(4));
  play.choose(0);
  EXPECT_EQ(play.reason(b, 0), "quota r0 until 3");
  EXPECT_EQ(play.reason(c, 0), "reserved b r0");
  EXPECT_EQ(play.scheduler.next_wake(at(0)), at(3));
  play.scheduler.raise_floor(api, at(10));
  play.choose(3);
  EXPECT_EQ(play.reason(b, 3), "quota r0 until 10");
  play.choose(10);
  EXPECT_EQ(play.log, "0: a\n10: b c\n");
  EXPECT_EQ(play.waited(b, 10), "quota 10");
  EXPECT_FALSE(play.scheduler.is_running(a) && play.scheduler.waiting() > 0);
}

TEST(Scheduler, WhatAnAttemptDidNotUseIsGivenBackToTheQuota) {
  Draft draft;
  const auto api =
      draft.quota({.requests = {}, .input_tokens = per_second(10), .output_tokens = {}, .usd = {}});
  const auto a = draft.job(1, {}, {{.quota = api, .input_tokens = 60}}),
             b = draft.job(1, {}, {{.quota = api, .input_tokens = 60}});
  Play play(draft, by_priority(2));
  play.choose(0);
  EXPECT_EQ(play.reason(b, 0), "quota r0 until 6");
  const Cost used{.quota = api, .requests = 1, .input_tokens = 10};
  play.scheduler.release(a, std::span(&used, 1), at(1));
  play.scheduler.end(a, End::succeeded, at(1));
  play.choose(1);
  EXPECT_EQ(play.log, "0: a\n1: b\n");
}

TEST(Scheduler, AGateIsToldOnceAndHoldsOnlyItsTask) {
  Draft draft;
  const auto a = draft.job(1), gated = draft.job(5), c = draft.job(1);
  draft.problem.jobs[gated.index()].gate_before = true;
  draft.needs(gated, a);
  Play play(draft, by_priority(1));
  play.choose(0);
  EXPECT_TRUE(play.scheduler.take_gates().empty());
  play.done(a, 1).choose(1);
  EXPECT_THAT(play.scheduler.take_gates(), testing::ElementsAre(gated));
  EXPECT_TRUE(play.scheduler.take_gates().empty());
  EXPECT_EQ(play.reason(gated, 1), "gate b");
  play.done(c, 2).choose(2);
  play.scheduler.approve(gated, at(8));
  play.choose(8);
  EXPECT_EQ(play.log, "0: a\n1: c\n8: b\n");
  EXPECT_EQ(play.waited(gated, 8), "needs 1, gate 7");
}

TEST(Scheduler, InSequenceAGateIsReachedWhenItsTurnComes) {
  Draft draft;
  const auto a = draft.job(1), gated = draft.job(1);
  draft.problem.jobs[gated.index()].gate_before = true;
  Play play(draft, in_plan_order());
  play.choose(0);
  EXPECT_TRUE(play.scheduler.take_gates().empty());
  play.done(a, 1).choose(1);
  EXPECT_THAT(play.scheduler.take_gates(), testing::ElementsAre(gated));
}

TEST(Scheduler, AReviewHoldsUpEveryStart) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1), c = draft.job(1);
  Policy policy = by_priority(1);
  policy.gate_every = 2;
  Play play(draft, policy);
  play.choose(0).done(a, 1).choose(1);
  EXPECT_FALSE(play.scheduler.take_review_due());
  play.done(b, 2).choose(2);
  EXPECT_TRUE(play.scheduler.take_review_due());
  EXPECT_FALSE(play.scheduler.take_review_due());
  EXPECT_EQ(play.reason(c, 2), "gate");
  play.scheduler.approve_review(at(9));
  play.choose(9);
  EXPECT_EQ(play.log, "0: a\n1: b\n9: c\n");
  EXPECT_EQ(play.waited(c, 9), "slot 2, gate 7");
}

TEST(Scheduler, NothingStartsThatWouldPassTheNextReview) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1), c = draft.job(1), d = draft.job(1);
  Policy policy = by_priority(8);
  policy.gate_every = 3;
  Play play(draft, policy);
  play.choose(0);
  EXPECT_EQ(play.log, "0: a b c\n");
  EXPECT_EQ(play.reason(d, 0), "gate") << "a review comes first";
  EXPECT_FALSE(play.scheduler.take_review_due());
  play.done(a, 1).done(b, 2).choose(2);
  EXPECT_EQ(play.log, "0: a b c\n");
  play.done(c, 3).choose(3);
  EXPECT_TRUE(play.scheduler.take_review_due());
  play.scheduler.approve_review(at(4));
  play.choose(4);
  EXPECT_EQ(play.log, "0: a b c\n4: d\n");
}

TEST(Scheduler, WhatWaitsToBeCommittedBehindAnotherDoesNotKeepItFromStarting) {
  // Released and not ended: as a task is whose changes wait for those of an earlier one.
  Draft draft;
  draft.job(1);  // a
  const auto b = draft.job(1), c = draft.job(1);
  Policy policy = by_priority(8);
  policy.gate_every = 2;
  Play play(draft, policy, {1, 3, 2});
  play.choose(0);
  EXPECT_EQ(play.log, "0: b c\n");
  play.scheduler.release(b, {}, at(1));
  play.scheduler.release(c, {}, at(1));
  play.choose(1);
  EXPECT_EQ(play.log, "0: b c\n1: a\n") << "else the run would wait for itself";
}

TEST(Scheduler, WhatPeopleHaveTakenDoesNotKeepWhatGoesBeforeItFromStarting) {
  Draft draft;
  draft.job(1);  // a
  const auto b = draft.job(1), c = draft.job(1);
  draft.problem.jobs[b.index()].gate_after = draft.problem.jobs[c.index()].gate_after = true;
  Policy policy = by_priority(8);
  policy.gate_every = 2;
  Play play(draft, policy, {1, 3, 2});
  play.choose(0);
  play.scheduler.release(b, {}, at(1));
  play.scheduler.release(c, {}, at(1));
  play.choose(1);
  EXPECT_EQ(play.log, "0: b c\n") << "people may still refuse them";
  play.scheduler.approve(b, at(2));
  play.scheduler.approve(c, at(2));
  play.choose(2);
  EXPECT_EQ(play.log, "0: b c\n2: a\n") << "they wait for their turn, behind a";
}

TEST(Scheduler, StopsStartingWhenTooMuchFailed) {
  Draft draft;
  const auto a = draft.job(3), b = draft.job(2), c = draft.job(1), d = draft.job(1);
  Policy policy = by_priority(1);
  policy.on_failure = {FailurePolicy::Kind::share, 0.25};
  Play play(draft, policy);
  play.choose(0).done(a, 1, End::failed).choose(1);
  EXPECT_FALSE(play.scheduler.failure_limit_reached());
  play.done(b, 2, End::failed).choose(2);
  EXPECT_TRUE(play.scheduler.failure_limit_reached());
  EXPECT_EQ(play.reason(c, 2), "stopped");
  EXPECT_EQ(play.scheduler.next_wake(at(2)), std::nullopt);
  EXPECT_EQ(play.log, "0: a\n1: b\n");
  EXPECT_EQ(play.scheduler.waiting(), 2u);
  EXPECT_EQ(play.reason(d, 2), "stopped");
}

TEST(Scheduler, CountsEveryMomentOfWaitingOnce) {
  Draft draft;
  const auto disk = draft.capacity(1);
  const auto a = draft.job(4), b = draft.job(6, {{disk, 1}}), c = draft.job(1, {{disk, 1}});
  draft.needs(c, a);
  draft.conflict(a, c);
  Play play(draft, by_priority(2));
  play.choose(0).done(a, 4).choose(4).done(b, 6).choose(6);
  EXPECT_EQ(play.log, "0: b a\n6: c\n");
  EXPECT_EQ(play.waited(c, 6), "needs 4, slot 2");
  play.scheduler.release(c, {}, at(7));
  play.scheduler.requeue(c, at(10), at(7));
  play.choose(10);
  EXPECT_EQ(play.waited(c, 10), "backoff 3") << "anew for each attempt";
}

TEST(Scheduler, LanesAreTheSmallestFreeNumbers) {
  Draft draft;
  const auto a = draft.job(3), b = draft.job(2), c = draft.job(1);
  Play play(draft, by_priority(2));
  play.choose(0);
  EXPECT_EQ(play.scheduler.lane_of(b), 1u);
  play.done(a, 1).choose(1);
  EXPECT_EQ(play.scheduler.lane_of(c), 0u);
}

TEST(Scheduler, AnAdoptedAttemptHoldsItsSlotAndItsCapacity) {
  Draft draft;
  const auto gpu = draft.capacity(1);
  const auto a = draft.job(1, {{gpu, 1}}), b = draft.job(2, {{gpu, 1}});
  Play play(draft, by_priority(2));
  play.scheduler.start(a, at(0));
  play.choose(0);
  EXPECT_EQ(play.reason(b, 0), "capacity r0");
  play.done(a, 1).choose(1);
  EXPECT_EQ(play.log, "1: b\n");
}

TEST(Scheduler, WhatWaitsForItsTurnStartsWhenAllBeforeItHaveEndedAndHoldsUpNobody) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(1), c = draft.job(1), d = draft.job(1);
  Play play(draft, by_priority(2));
  play.choose(0);
  play.scheduler.release(b, {}, at(1));
  play.scheduler.requeue(b, at(1), at(1), true);
  play.choose(1);
  EXPECT_EQ(play.reason(b, 1), "order a");
  play.done(c, 2).choose(2).done(a, 3).choose(3);
  EXPECT_EQ(play.log, "0: a b\n1: c\n2: d\n3: b\n");
  play.done(d, 4).done(b, 5);
  EXPECT_TRUE(play.scheduler.all_ended());
}

TEST(Scheduler, WhatCouldStartIsNamedAgainUntilItDoes) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(2);
  Play play(draft, by_priority(2));
  EXPECT_EQ(play.scheduler.next_start(at(0)), b);
  EXPECT_EQ(play.scheduler.next_start(at(1)), b);
  EXPECT_EQ(play.scheduler.next_lane(), 0u);
  play.scheduler.start(b, at(1));
  EXPECT_EQ(play.scheduler.next_start(at(1)), a);
  play.scheduler.end(a, End::succeeded, at(1));  // Its result was there.
  EXPECT_EQ(play.scheduler.next_start(at(1)), std::nullopt);
  EXPECT_EQ(play.waited(b, 1), "slot 1");
}

TEST(Scheduler, TheNextDispatcherFindsWhatWaitsAsItWasAndNobodyWaitedMeanwhile) {
  Draft draft;
  const auto gpu = draft.capacity(1);
  const auto a = draft.job(9, {{gpu, 1}}), b = draft.job(8), c = draft.job(1, {{gpu, 1}});
  draft.needs(c, b);
  Play play(draft, by_priority(3));
  play.choose(0);
  play.scheduler.release(b, {}, at(1));
  play.scheduler.requeue(b, at(500), at(1));
  play.scheduler.stop(true);
  play.scheduler.resume(at(100), at(160));
  EXPECT_EQ(play.reason(b, 100), "backoff until 160");
  EXPECT_EQ(play.reason(c, 100), "needs b");
  EXPECT_EQ(play.waited(c, 103), "needs 3");
  play.scheduler.release(a, {}, at(103));
  play.scheduler.requeue(a, at(103), at(103));
  play.choose(103).choose(160).done(b, 161).choose(161);
  EXPECT_EQ(play.reason(c, 161), "capacity r0");
  play.done(a, 162).choose(162);
  EXPECT_EQ(play.log, "0: a b\n103: a\n160: b\n162: c\n");
}

TEST(Scheduler, WhatIsLostIsDoneAgainWhereverItWas) {
  Draft draft;
  const auto a = draft.job(3), b = draft.job(2), c = draft.job(1);
  draft.needs(c, a);
  Play play(draft, by_priority(2));
  play.choose(0).done(a, 1);
  play.scheduler.release(b, {}, at(1));
  play.scheduler.undo(a, at(2));
  play.scheduler.undo(b, at(2));
  EXPECT_EQ(play.reason(c, 2), "needs a");
  EXPECT_EQ(play.scheduler.text(),
            "0 waits for 0, 0 of them needs, 0 before it, revived\n"
            "1 waits for 0, 0 of them needs, until 2000000, 0 before it\n"
            "2 waits for 1, 1 of them needs, 1 before it\n"
            "0 running, 3 waiting, 0 ended, 0 failed, 0 finished, 0 reviews\n");
  play.choose(2).done(a, 3).done(b, 3).choose(3);
  EXPECT_EQ(play.log, "0: a b\n2: a b\n3: c\n");
}

}  // namespace
}  // namespace interlock::schedule
