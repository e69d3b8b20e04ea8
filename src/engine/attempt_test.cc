#include "engine/attempt.h"

#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

constexpr Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

Attempt work_from(int second) { return {{TaskId(3), 2, 0}, at(second)}; }

Attempt::Clocks clocks(int timeout, int idle, int last_output) {
  return {std::chrono::seconds(timeout), std::chrono::seconds(idle), std::chrono::seconds(5),
          at(last_output)};
}

TEST(Attempt, GoesFromItsWorkToItsCheck) {
  Attempt attempt = work_from(1);
  EXPECT_EQ(attempt.text(), "3#2 works since 1 s");
  attempt.check_work();
  EXPECT_EQ(attempt.text(), "3#2 is checked since 1 s");
}

TEST(Attempt, IsStoppedForWhatAskedFirst) {
  Attempt attempt = work_from(1);
  attempt.stop(Outcome::over_budget, "no room");
  attempt.stop(Outcome::cancelled);
  EXPECT_EQ(attempt.text(), "3#2 works since 1 s, stopped: over-budget (no room)");
}

TEST(Attempt, ThatCannotBeSpawnedIsTriedAgainAndItsClockStartsThen) {
  Attempt attempt = work_from(1);
  attempt.defer(at(4), "no descriptors");
  EXPECT_EQ(attempt.text(), "3#2 is tried again at 4 s, 1 so far: no descriptors");
  EXPECT_EQ(attempt.next_moment(clocks(10, 0, 1)), at(4));
  EXPECT_EQ(attempt.overdue(clocks(2, 0, 1), at(99)), std::nullopt) << "it has not begun";
  attempt.start_again(at(6));
  EXPECT_EQ(attempt.text(), "3#2 works since 6 s");
  EXPECT_EQ(attempt.starts_tried(), 1);
}

TEST(Attempt, OfABatchWaitsForItsCheckOrForThoseOfOthers) {
  Attempt first = work_from(1), second = work_from(1);
  first.share.batch = second.share.batch = TaskId(0);
  first.queue_check();
  second.judge({Outcome::verify_failed, {}, {}});
  EXPECT_EQ(first.text(), "3#2 waits for its check, of 0");
  EXPECT_EQ(second.text(), "3#2 is over: verify-failed, of 0");
  EXPECT_EQ(second.next_moment(clocks(1, 1, 1)), std::nullopt);
  first.begin_check(at(7));
  EXPECT_EQ(first.text(), "3#2 is checked since 7 s, of 0");
}

TEST(Attempt, RunsOutOfItsTimeOrOfSignsWhicheverComesFirst) {
  const Attempt attempt = work_from(10);
  EXPECT_EQ(attempt.next_moment(clocks(60, 0, 10)), at(70));
  EXPECT_EQ(attempt.next_moment(clocks(60, 20, 30)), at(50));
  EXPECT_EQ(attempt.overdue(clocks(60, 20, 30), at(49)), std::nullopt);
  EXPECT_EQ(attempt.overdue(clocks(60, 20, 30), at(50)), Outcome::went_silent);
  EXPECT_EQ(attempt.overdue(clocks(60, 20, 69), at(70)), Outcome::timed_out);
}

TEST(Attempt, HasNoClockWhileItsCallIsHeldAtTheRunsLimit) {
  Attempt attempt = work_from(10);
  attempt.agent.waits_at_limit = true;
  EXPECT_EQ(attempt.next_moment(clocks(60, 20, 10)), std::nullopt);
  EXPECT_EQ(attempt.overdue(clocks(60, 20, 10), at(500)), std::nullopt);
  attempt.agent.waits_at_limit = false;
  attempt.agent.waited_at_limit_until = at(40);
  EXPECT_EQ(attempt.next_moment(clocks(60, 20, 10)), at(60)) << "silence counts from then on";
}

TEST(Attempt, AnAgentThatStaysAfterItsFinalAnswerIsEndedAfterItsGrace) {
  plan::Agent claude;
  claude.kind = plan::AgentKind::claude_code;
  Attempt attempt = work_from(10);
  attempt.agent.adapter = agents::adapter_for(claude);
  attempt.agent.reader = attempt.agent.adapter->reader(claude);
  EXPECT_EQ(attempt.lingers_until(clocks(60, 20, 15)), std::nullopt) << "it has not answered";
  attempt.agent.transcript.final.emplace();
  const int grace = attempt.agent.adapter->final_is_last() ? 5 : 20;
  EXPECT_EQ(attempt.lingers_until(clocks(60, 20, 15)), at(15 + grace));
  attempt.agent.released = true;
  EXPECT_EQ(attempt.lingers_until(clocks(60, 20, 15)), std::nullopt) << "it is told once";
}

}  // namespace
}  // namespace interlock::engine
