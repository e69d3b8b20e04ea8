#include "engine/attempt_spec.h"

#include <gtest/gtest.h>

#include "engine/scheduler_changes.h"

// What an attempt is to be follows from plan and events alone.
namespace interlock::engine {
namespace {

using Trigger = AttemptStarted::Trigger;

/// `b` uses the outputs of `a` and of the last round of `polish`, of which one was done.
plan::Plan plan_of_four() {
  plan::Plan plan;
  plan.tasks.resize(4);
  plan.agents.resize(1);
  plan.agents[0].kind = plan::AgentKind::claude_code;
  const char* const ids[] = {"a", "polish.1", "polish.2", "b"};
  for (std::size_t i = 0; i < 4; ++i) plan.tasks[i].id = ids[i];
  plan.loops.resize(1);
  plan.loops[0].id = "polish";
  plan.loops[0].rounds = {TaskId(1), TaskId(2)};
  plan.tasks[1].loop = plan.tasks[2].loop = 0;
  plan.tasks[3].output_of = {TaskId(0), TaskId(1), TaskId(2)};
  return plan;
}

class AttemptSpecTest : public testing::Test {
 protected:
  void take(Event event) { replay.take({replay.run.seq + 1, Time{}, std::move(event)}); }
  void start(TaskId task, Trigger because, std::uint32_t number, std::uint32_t lane = 0) {
    AttemptStarted event;
    event.task = task;
    event.attempt = number;
    event.because = because;
    event.lane = lane;
    take(std::move(event));
  }
  void end(TaskId task, std::uint32_t number, Outcome outcome) {
    AttemptEnded event;
    event.task = task;
    event.attempt = number;
    event.outcome = outcome;
    take(std::move(event));
  }
  AttemptSpec spec(std::uint32_t phase = 0) const {
    return spec_of(plan, replay.run, TaskId(3), phase, Time(std::chrono::seconds(9)));
  }

  plan::Plan plan = plan_of_four();
  Replay replay{plan};
};

TEST_F(AttemptSpecTest, InputsAreNamedByContentAndRoundsByTheLastThatWasDone) {
  const Digest one = digest_of("one"), two = digest_of("two");
  for (const auto& [task, digest] : {std::pair(TaskId(0), one), {TaskId(1), two}}) {
    start(task, Trigger::first, 1);
    end(task, 1, Outcome::succeeded);
    take(TaskDone{task, 1, digest, {}, {}});
  }
  take(TaskSkipped{TaskId(2), std::nullopt, "it was good enough"});
  start(TaskId(3), Trigger::first, 1, 2);
  const AttemptSpec made = spec(1);
  EXPECT_EQ(made.name, (AttemptName{TaskId(3), 1, 1}));
  EXPECT_EQ(made.lane, 2u);
  EXPECT_EQ(made.deadline, Time(std::chrono::seconds(9)));
  EXPECT_FALSE(made.mends || made.goes_on || made.resumes || made.replays_own);
  ASSERT_EQ(made.work.size(), 1u);
  const auto& inputs = made.work[0].inputs;
  ASSERT_EQ(inputs.size(), 3u);
  EXPECT_EQ(inputs[0].id, "a");
  EXPECT_EQ(inputs[0].output, one);
  EXPECT_EQ(inputs[0].round_of, "");
  EXPECT_EQ(inputs[1].output, two);
  EXPECT_EQ(inputs[1].round_of, "polish");
  EXPECT_TRUE(inputs[2].unneeded);
  EXPECT_EQ(inputs[2].round_of, "") << "it was not done";
}

TEST_F(AttemptSpecTest, ACorrectionTakesUpTheSessionAndARetryDoesNot) {
  start(TaskId(3), Trigger::first, 1);
  take(SessionBegan{TaskId(3), 1, "s-1", "m", "1"});
  end(TaskId(3), 1, Outcome::output_invalid);
  take(RetryPlanned{TaskId(3), Trigger::correction, Time{}, false, "no JSON"});
  start(TaskId(3), Trigger::correction, 2);
  EXPECT_TRUE(spec().resumes);
  EXPECT_EQ(spec().session, "s-1");
  EXPECT_EQ(spec().correction, "no JSON");
  end(TaskId(3), 2, Outcome::exited_nonzero);
  take(RetryPlanned{TaskId(3), Trigger::retry, Time{}, true, {}});
  start(TaskId(3), Trigger::retry, 3);
  EXPECT_FALSE(spec().resumes);
  EXPECT_EQ(spec().correction, "");
}

TEST_F(AttemptSpecTest, WhoWasStoppedAtALimitGoesOnInItsSession) {
  start(TaskId(3), Trigger::first, 1);
  take(SessionBegan{TaskId(3), 1, "s-1", "m", "1"});
  end(TaskId(3), 1, Outcome::quota_spent);
  take(RetryPlanned{TaskId(3), Trigger::again, Time{}, false, {}});
  start(TaskId(3), Trigger::again, 2);
  EXPECT_TRUE(spec().goes_on);
  EXPECT_TRUE(spec().resumes);
  EXPECT_TRUE(spec().replays_own);
}

TEST_F(AttemptSpecTest, ACommandOfItsOwnMendsWithoutTheAgent) {
  start(TaskId(3), Trigger::first, 1);
  take(SessionBegan{TaskId(3), 1, "s-1", "m", "1"});
  end(TaskId(3), 1, Outcome::succeeded);
  take(RetryPlanned{TaskId(3), Trigger::repair, Time{}, false, "-old\n+new\n"});
  start(TaskId(3), Trigger::repair, 2);
  EXPECT_TRUE(spec().mends);
  EXPECT_TRUE(spec().resumes);
  EXPECT_NE(adapter_of(plan.agents[0], spec()), nullptr);
  plan.tasks[3].repair.shell = "make mend";
  EXPECT_TRUE(spec().mends);
  EXPECT_FALSE(spec().resumes);
  EXPECT_EQ(adapter_of(plan.agents[0], spec()), nullptr);
}

}  // namespace
}  // namespace interlock::engine
