#include <gtest/gtest.h>

#include "schedule/fixture.h"
#include "schedule/scheduler.h"

namespace interlock::schedule {
namespace {

std::vector<Job> jobs(std::size_t count) {
  std::vector<Job> made(count);
  for (Job& job : made) job.expected = seconds(10);
  return made;
}

void add(Play& play, std::vector<Job> jobs, const std::vector<Link>& links, double now) {
  const auto count = static_cast<std::uint32_t>(jobs.size());
  play.scheduler.announce(std::move(jobs), links);
  play.scheduler.add(count, at(now));
}

TEST(Growth, WhatIsAddedStartsAtOnceWhereASlotIsFree) {
  Draft draft;
  draft.job(10);
  Play play(draft, by_priority(2));
  play.choose(0);
  add(play, jobs(2), {}, 1);
  play.choose(1);
  EXPECT_EQ(play.reason(TaskId(2), 2), "slot");
  EXPECT_EQ(play.waited(TaskId(2), 4), "slot 3");
  play.done(TaskId(0), 5).choose(5);
  EXPECT_EQ(play.log, "0: a\n1: b\n5: c\n");
}

TEST(Growth, WhatIsAddedGoesBehindAllThatWaits) {
  Draft draft;
  for (int i = 0; i < 3; ++i) draft.job(i + 1);
  Play play(draft, by_priority(1));
  play.choose(0);
  std::vector<Job> long_one = jobs(1);
  long_one.front().expected = seconds(1000);
  add(play, std::move(long_one), {}, 0);
  for (const std::uint32_t task : {2u, 1u, 0u, 3u}) play.done(TaskId(task), 1).choose(1);
  EXPECT_EQ(play.log, "0: c\n1: b\n1: a\n1: d\n");
  EXPECT_TRUE(play.scheduler.all_ended());
}

TEST(Growth, WhatIsAddedWaitsForThoseItMeetsAndNeeds) {
  Draft draft;
  const auto a = draft.job(10), b = draft.job(10);
  Play play(draft, by_priority(4));
  play.choose(0).done(b, 1);
  add(play, jobs(3), {{a, TaskId(2), false}, {b, TaskId(3), true}, {TaskId(2), TaskId(4), true}},
      2);
  play.choose(2);
  EXPECT_EQ(play.reason(TaskId(2), 2), "conflict a");
  EXPECT_EQ(play.reason(TaskId(4), 2), "needs c");
  play.done(a, 3).choose(3).done(TaskId(2), 4).choose(4);
  EXPECT_EQ(play.log, "0: a b\n2: d\n3: c\n4: e\n");
}

TEST(Growth, WhatNeedsATaskThatFailedCanNeverStart) {
  Draft draft;
  const auto a = draft.job(10);
  Play play(draft, by_priority(2));
  play.choose(0).done(a, 1, End::failed);
  add(play, jobs(2), {{a, TaskId(1), true}, {TaskId(1), TaskId(2), true}}, 2);
  const auto unreachable = play.scheduler.take_unreachable();
  ASSERT_EQ(unreachable.size(), 2u);
  EXPECT_EQ(unreachable[0].because, a);
  EXPECT_EQ(unreachable[1].task, TaskId(2));
}

TEST(Growth, WhatRunsAloneWaitsForAllBeforeItAndHoldsUpAllBehindIt) {
  Draft draft;
  const auto a = draft.job(10);
  Play play(draft, by_priority(4));
  play.choose(0);
  std::vector<Job> added = jobs(2);
  added.front().exclusive = true;
  add(play, std::move(added), {}, 1);
  play.choose(1);
  EXPECT_EQ(play.reason(TaskId(1), 1), "alone a");
  EXPECT_EQ(play.reason(TaskId(2), 1), "alone b");
  play.done(a, 2).choose(2).done(TaskId(1), 3).choose(3);
  EXPECT_EQ(play.log, "0: a\n2: b\n3: c\n");
}

TEST(Growth, APlanThatHadEndedGoesOn) {
  Draft draft;
  const auto a = draft.job(1);
  for (const Policy policy : {by_priority(2), in_plan_order()}) {
    Play play(draft, policy);
    play.choose(0).done(a, 1);
    EXPECT_TRUE(play.scheduler.all_ended());
    add(play, jobs(1), {{a, TaskId(1), false}}, 2);
    EXPECT_FALSE(play.scheduler.all_ended());
    play.choose(2);
    EXPECT_EQ(play.log, "0: a\n2: b\n");
  }
}

TEST(Growth, APausedRunStartsNothingAndOthersMayRunAtOnceFromThenOn) {
  Draft draft;
  for (int i = 0; i < 4; ++i) draft.job(10);
  Play play(draft, by_priority(1));
  play.choose(0);
  play.scheduler.hold(true);
  play.scheduler.set_parallel(3);
  play.choose(1);
  EXPECT_EQ(play.reason(TaskId(1), 1), "held");
  play.scheduler.hold(false);
  play.choose(2);
  EXPECT_EQ(play.log, "0: a\n2: b c\n");
}

TEST(Growth, WhatIsKnownBetterWaitsForLess) {
  Draft draft;
  const auto a = draft.job(10), b = draft.job(10), c = draft.job(10), d = draft.job(10);
  draft.problem.links = {{a, b, true}, {a, c, true}, {b, c, false}, {b, d, false}, {c, d, false}};
  Play play(draft, by_priority(4));
  play.choose(0).done(a, 1);
  play.scheduler.refine(b, jobs(2), {{a, b, true}, {a, c, true}, {c, d, false}}, at(1));
  play.choose(1);
  EXPECT_EQ(play.reason(d, 2), "conflict c");
  play.done(b, 2).done(c, 3).choose(3);
  EXPECT_EQ(play.log, "0: a\n1: b c\n3: d\n");
}

TEST(Growth, WhatIsNotNeededHoldsUpNobodyThatNeedsIt) {
  Draft draft;
  const auto a = draft.job(10), b = draft.job(10), c = draft.job(10);
  draft.problem.links = {{a, b, true}, {b, c, true}};
  Play play(draft, by_priority(4));
  play.choose(0);
  play.scheduler.end(b, End::unneeded, at(1));
  play.choose(1);
  // It stands for what goes before it until its turn would have come.
  EXPECT_EQ(play.reason(c, 1), "conflict a");
  play.done(a, 2).choose(2);
  EXPECT_EQ(play.log, "0: a\n2: c\n");
  EXPECT_TRUE(play.scheduler.take_unreachable().empty());
}

}  // namespace
}  // namespace interlock::schedule
