#include <gtest/gtest.h>

#include "schedule/change.h"
#include "schedule/fixture.h"
#include "schedule/scheduler.h"

// A person puts tasks into another order.
namespace interlock::schedule {
namespace {

Draft five() {
  Draft draft;
  for (int i = 0; i < 5; ++i) draft.job(10);
  return draft;
}

void play_to_the_end(Play& play) {
  for (int i = 0; i < 5; ++i) {
    play.choose(1);
    for (std::uint32_t task = 0; task < 5; ++task) {
      if (play.scheduler.is_running(TaskId(task))) play.done(TaskId(task), 1);
    }
  }
}

TEST(Move, SaysWhoGoesFirstAmongThoseThatWait) {
  Draft draft = five();
  Play play(draft, by_priority(1));
  play.choose(0);
  play.scheduler.move(TaskId(3), MovePlace::first, {}, at(0));
  play.scheduler.move(TaskId(1), MovePlace::last, {}, at(0));
  play.scheduler.move(TaskId(4), MovePlace::before, TaskId(2), at(0));
  play_to_the_end(play);
  EXPECT_EQ(play.log.substr(0, 5), "0: a\n");
  std::string order;
  for (const char letter : play.log) {
    if (letter >= 'a' && letter <= 'e') order += letter;
  }
  EXPECT_EQ(order, "adecb");
}

TEST(Move, LeavesLinksAsTheyAre) {
  Draft draft = five();
  draft.needs(TaskId(3), TaskId(2));
  Play play(draft, by_priority(1));
  play.scheduler.move(TaskId(3), MovePlace::first, {}, at(0));
  EXPECT_EQ(play.scheduler.reason_of(TaskId(3), at(0)).why, WaitReason::Why::needs);
  play.scheduler.move(TaskId(2), MovePlace::first, {}, at(0));
  play.scheduler.move(TaskId(3), MovePlace::after, TaskId(2), at(0));
  play_to_the_end(play);
  std::string order;
  for (const char letter : play.log) {
    if (letter >= 'a' && letter <= 'e') order += letter;
  }
  EXPECT_EQ(order, "cdabe");
}

TEST(Move, WhoWaitsForACapacityKeepsWhatItAsksForInTheNewOrder) {
  Draft draft;
  const ResourceId gpu = draft.capacity(2);
  draft.job(10, {{gpu, 1}});
  draft.job(10, {{gpu, 2}});
  draft.job(10, {{gpu, 2}});
  Play play(draft, by_priority(3));
  play.choose(0);
  EXPECT_EQ(play.log, "0: a\n") << "b leads the queue, c stands behind it";
  play.scheduler.move(TaskId(2), MovePlace::first, {}, at(1));
  play.choose(1);
  play.done(TaskId(0), 2).choose(2);
  EXPECT_EQ(play.log, "0: a\n2: c\n");
  play.done(TaskId(2), 3).choose(3);
  EXPECT_EQ(play.log, "0: a\n2: c\n3: b\n");
}

TEST(Move, TheSameChangesMakeTheSameScheduler) {
  Draft draft = five();
  Play one(draft, by_priority(2)), other(draft, by_priority(2));
  one.scheduler.move(TaskId(4), MovePlace::first, {}, at(1));
  EXPECT_NE(one.scheduler.text(), other.scheduler.text());
  Change change{.kind = Change::Kind::move, .task = TaskId(4), .at = at(1)};
  change.count = static_cast<std::uint32_t>(MovePlace::first);
  other.scheduler.apply(change);
  EXPECT_EQ(one.scheduler.text(), other.scheduler.text());
}

}  // namespace
}  // namespace interlock::schedule
