#include "engine/run_state.h"

#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

plan::Plan two_tasks() {
  plan::Plan plan;
  plan.tasks.resize(2);
  plan.tasks[0].id = "a";
  plan.tasks[1].id = "b";
  return plan;
}

/// Applies events one second apart.
class Transcript {
 public:
  Transcript() : run(two_tasks()) {}

  Transcript& then(Event event) {
    at_ += std::chrono::seconds(1);
    apply(run, {run.seq + 1, at_, std::move(event)});
    return *this;
  }

  RunState run;

 private:
  Time at_{};
};

AttemptStarted started(std::size_t task, std::uint32_t attempt = 1) {
  AttemptStarted event;
  event.task = TaskId(task);
  event.attempt = attempt;
  return event;
}

AttemptEnded ended(std::size_t task, std::uint32_t attempt, Outcome outcome) {
  AttemptEnded event;
  event.task = TaskId(task);
  event.attempt = attempt;
  event.outcome = outcome;
  return event;
}

TEST(RunState, ARetriedTaskEndsDoneAndKeepsBothAttempts) {
  Transcript transcript;
  transcript.then(RunBegan{})
      .then(started(0))
      .then(ended(0, 1, Outcome::crashed))
      .then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::retry, {}, true, {}})
      .then(started(0, 2))
      .then(ended(0, 2, Outcome::succeeded))
      .then(TaskDone{TaskId(0), 2, digest_of("out"), {}, {}});
  const TaskRecord& task = transcript.run[TaskId(0)];
  EXPECT_EQ(task.state, TaskState::done);
  EXPECT_EQ(task.attempts.size(), 2U);
  EXPECT_EQ(task.retries_used, 1);
  EXPECT_EQ(task.output, digest_of("out"));
  EXPECT_EQ(transcript.run.finished_count, 1U);
}

TEST(RunState, ARevivedTaskWaitsAnewAndCountsNoMoreAsFinished) {
  Transcript transcript;
  transcript.then(started(0)).then(ended(0, 1, Outcome::exited_nonzero));
  transcript.then(TaskFailed{TaskId(0), Outcome::exited_nonzero, "exit status 1"});
  transcript.then(TaskSkipped{TaskId(1), TaskId(0)});
  EXPECT_EQ(transcript.run.finished_count, 2U);
  transcript.then(TaskRevived{TaskId(0)}).then(TaskRevived{TaskId(1)});
  EXPECT_EQ(transcript.run.finished_count, 0U);
  EXPECT_EQ(transcript.run[TaskId(0)].state, TaskState::waiting);
  EXPECT_EQ(transcript.run[TaskId(0)].next, AttemptStarted::Trigger::again);
  EXPECT_EQ(transcript.run[TaskId(1)].next, AttemptStarted::Trigger::first);
  EXPECT_TRUE(transcript.run[TaskId(0)].detail.empty());
}

TEST(RunState, TimeCountsOnlyWhileADispatcherHoldsTheRun) {
  Transcript transcript;
  transcript.then(RunBegan{}).then(RunEnded{RunEnded::How::interrupted, {}});
  transcript.then(RunBegan{}).then(RunStopping{}).then(RunEnded{RunEnded::How::finished, "d"});
  EXPECT_EQ(transcript.run.active, std::chrono::seconds(3));
  EXPECT_FALSE(transcript.run.process);
  EXPECT_EQ(transcript.run.ended, RunEnded::How::finished);
}

TEST(RunState, AGateAfterATaskHoldsItInReview) {
  Transcript transcript;
  transcript.then(started(0)).then(ended(0, 1, Outcome::succeeded));
  transcript.then(GateReached{TaskId(0), GateKind::after});
  EXPECT_EQ(transcript.run[TaskId(0)].state, TaskState::reviewing);
  EXPECT_TRUE(transcript.run[TaskId(0)].gate_since);
  transcript.then(GateAnswered{TaskId(0), GateKind::after, true, "ann"});
  transcript.then(TaskDone{TaskId(0), 1, {}, {}, {}});
  EXPECT_EQ(transcript.run[TaskId(0)].state, TaskState::done);
  EXPECT_FALSE(transcript.run[TaskId(0)].gate_since);
}

TEST(RunState, WhatAPersonTookAtGatesIsKnownAlsoWhenTheRunWasPausedMeanwhile) {
  Transcript transcript;
  transcript.then(RunBegan{}).then(GateReached{TaskId(0), GateKind::before});
  transcript.then(RunEnded{RunEnded::How::paused_at_gate, {}});  // One second stood at the gate.
  transcript.then(RunBegan{}).then(GateAnswered{TaskId(0), GateKind::before, true, "ann"});
  EXPECT_EQ(transcript.run[TaskId(0)].gate_time, std::chrono::seconds(3));
  EXPECT_EQ(transcript.run.stood_at_gates, std::chrono::seconds(2))
      << "no dispatcher stood between";
  EXPECT_EQ(transcript.run.gates_open, 0U);

  transcript.then(started(1)).then(GateReached{std::nullopt, GateKind::review});
  transcript.then(ended(1, 1, Outcome::succeeded)).then(TaskDone{TaskId(1), 1, {}, {}, {}});
  transcript.then(GateAnswered{std::nullopt, GateKind::review, true, "ann"});
  EXPECT_EQ(transcript.run.review_time, std::chrono::seconds(3));
  EXPECT_EQ(transcript.run.stood_at_gates, std::chrono::seconds(3)) << "only once nothing ran";
}

TEST(RunState, WhatAModelCallWaitsForIsForgottenWhenItGoesOnOrTheAttemptEnds) {
  Transcript transcript;
  transcript.then(started(0)).then(CallWaiting{TaskId(0), 1, "quota `api`", Time{}});
  EXPECT_EQ(transcript.run[TaskId(0)].attempts.back().call_waits_on, "quota `api`");
  transcript.then(ended(0, 1, Outcome::timed_out));
  EXPECT_TRUE(transcript.run[TaskId(0)].attempts.back().call_waits_on.empty());
}

using RunStateDeathTest = ::testing::Test;

TEST(RunStateDeathTest, NothingFinishedIsDoneAgain) {
  Transcript transcript;
  transcript.then(TaskDone{TaskId(0), 0, {}, {}, "r-0"});
  EXPECT_DEATH(transcript.then(started(0)), "a task moves only as drawn");
}

TEST(RunStateDeathTest, ALateReportOfAnEarlierAttemptIsABug) {
  Transcript transcript;
  transcript.then(started(0)).then(ended(0, 1, Outcome::crashed));
  transcript.then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::retry, {}, true, {}})
      .then(started(0, 2));
  EXPECT_DEATH(transcript.then(ended(0, 1, Outcome::succeeded)), "the latest attempt reports");
}

TEST(RunStateDeathTest, AGapInTheSequenceIsABug) {
  RunState run(two_tasks());
  EXPECT_DEATH(apply(run, {2, {}, RunBegan{}}), "one after the other");
}

TEST(RunState, WhatIsNotKeptWholeIsDoneAgainAndItsCommitDoesNotStand) {
  Transcript transcript;
  transcript.then(RunBegan{});
  for (const std::size_t task : {0, 1}) {
    transcript.then(started(task)).then(ended(task, 1, Outcome::succeeded));
    transcript.then(ChangesReady{TaskId(task), 1});
    transcript.then(ChangesCommitted{TaskId(task), 1, digest_of("x"), 1});
    transcript.then(TaskDone{TaskId(task), 1, {}, {}, {}});
  }
  ASSERT_EQ(transcript.run.finished_count, 2u);
  transcript.then(ChangesLost{1, {TaskId(1)}, "not whole"});
  EXPECT_EQ(transcript.run.finished_count, 1u);
  EXPECT_EQ(transcript.run.commits.size(), 1u);
  EXPECT_EQ(transcript.run.tasks[0].state, TaskState::done);
  EXPECT_EQ(transcript.run.tasks[1].state, TaskState::waiting);
  EXPECT_EQ(transcript.run.tasks[1].next, AttemptStarted::Trigger::again);
}

TEST(RunState, AttemptsThatRanWhileTheDispatcherBrokeOffAreCountedUntilAPersonAsks) {
  Transcript transcript;
  transcript.then(RunBegan{});
  for (const std::uint32_t attempt : {1u, 2u}) {
    AttemptEnded event = ended(0, attempt, Outcome::interrupted);
    event.broke_dispatcher = true;
    transcript.then(started(0, attempt)).then(event);
    if (attempt == 1)
      transcript.then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::again, {}, false, {}});
  }
  EXPECT_EQ(transcript.run.tasks[0].broke_dispatcher, 2);
  transcript.then(TaskFailed{TaskId(0), Outcome::interrupted, "twice"});
  transcript.then(TaskRevived{TaskId(0)});
  EXPECT_EQ(transcript.run.tasks[0].broke_dispatcher, 0);
}

}  // namespace
}  // namespace interlock::engine
