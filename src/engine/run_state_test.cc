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

/// Applies facts one second apart.
class Story {
 public:
  Story() : run(two_tasks()) {}

  Story& then(Fact fact) {
    at_ += std::chrono::seconds(1);
    apply(run, {run.seq + 1, at_, std::move(fact)});
    return *this;
  }

  RunState run;

 private:
  Time at_{};
};

AttemptStarted started(std::size_t task, std::uint32_t attempt = 1) {
  AttemptStarted fact;
  fact.task = TaskId(task);
  fact.attempt = attempt;
  return fact;
}

AttemptEnded ended(std::size_t task, std::uint32_t attempt, Outcome outcome) {
  AttemptEnded fact;
  fact.task = TaskId(task);
  fact.attempt = attempt;
  fact.outcome = outcome;
  return fact;
}

TEST(RunState, ARetriedTaskEndsDoneAndKeepsBothAttempts) {
  Story story;
  story.then(RunBegan{})
      .then(started(0))
      .then(ended(0, 1, Outcome::crashed))
      .then(RetryPlanned{TaskId(0), AttemptStarted::Because::retry, {}, true, {}})
      .then(started(0, 2))
      .then(ended(0, 2, Outcome::succeeded))
      .then(TaskDone{TaskId(0), 2, digest_of("out"), {}, {}});
  const TaskRecord& task = story.run[TaskId(0)];
  EXPECT_EQ(task.state, TaskState::done);
  EXPECT_EQ(task.attempts.size(), 2U);
  EXPECT_EQ(task.retries_used, 1);
  EXPECT_EQ(task.output, digest_of("out"));
  EXPECT_EQ(story.run.finished_count, 1U);
}

TEST(RunState, ARevivedTaskWaitsAnewAndCountsNoMoreAsFinished) {
  Story story;
  story.then(started(0)).then(ended(0, 1, Outcome::exited_nonzero));
  story.then(TaskFailed{TaskId(0), Outcome::exited_nonzero, "exit status 1"});
  story.then(TaskSkipped{TaskId(1), TaskId(0)});
  EXPECT_EQ(story.run.finished_count, 2U);
  story.then(TaskRevived{TaskId(0)}).then(TaskRevived{TaskId(1)});
  EXPECT_EQ(story.run.finished_count, 0U);
  EXPECT_EQ(story.run[TaskId(0)].state, TaskState::waiting);
  EXPECT_EQ(story.run[TaskId(0)].next, AttemptStarted::Because::again);
  EXPECT_EQ(story.run[TaskId(1)].next, AttemptStarted::Because::first);
  EXPECT_TRUE(story.run[TaskId(0)].detail.empty());
}

TEST(RunState, TimeCountsOnlyWhileADispatcherHoldsTheRun) {
  Story story;
  story.then(RunBegan{}).then(RunEnded{RunEnded::How::interrupted, {}});
  story.then(RunBegan{}).then(RunStopping{}).then(RunEnded{RunEnded::How::finished, "d"});
  EXPECT_EQ(story.run.active, std::chrono::seconds(3));
  EXPECT_FALSE(story.run.process);
  EXPECT_EQ(story.run.ended, RunEnded::How::finished);
}

TEST(RunState, AGateAfterATaskHoldsItInReview) {
  Story story;
  story.then(started(0)).then(ended(0, 1, Outcome::succeeded));
  story.then(GateReached{TaskId(0), GateKind::after});
  EXPECT_EQ(story.run[TaskId(0)].state, TaskState::reviewing);
  EXPECT_TRUE(story.run[TaskId(0)].gate_since);
  story.then(GateAnswered{TaskId(0), GateKind::after, true, "ann"});
  story.then(TaskDone{TaskId(0), 1, {}, {}, {}});
  EXPECT_EQ(story.run[TaskId(0)].state, TaskState::done);
  EXPECT_FALSE(story.run[TaskId(0)].gate_since);
}

TEST(RunState, WhatAPersonTookAtGatesIsKnownAlsoWhenTheRunWasPausedMeanwhile) {
  Story story;
  story.then(RunBegan{}).then(GateReached{TaskId(0), GateKind::before});
  story.then(RunEnded{RunEnded::How::paused_at_gate, {}});  // One second stood at the gate.
  story.then(RunBegan{}).then(GateAnswered{TaskId(0), GateKind::before, true, "ann"});
  EXPECT_EQ(story.run[TaskId(0)].gate_time, std::chrono::seconds(3));
  EXPECT_EQ(story.run.stood_at_gates, std::chrono::seconds(2)) << "no dispatcher stood between";
  EXPECT_EQ(story.run.gates_open, 0U);

  story.then(started(1)).then(GateReached{std::nullopt, GateKind::review});
  story.then(ended(1, 1, Outcome::succeeded)).then(TaskDone{TaskId(1), 1, {}, {}, {}});
  story.then(GateAnswered{std::nullopt, GateKind::review, true, "ann"});
  EXPECT_EQ(story.run.review_time, std::chrono::seconds(3));
  EXPECT_EQ(story.run.stood_at_gates, std::chrono::seconds(3)) << "only once nothing ran";
}

TEST(RunState, WhatAModelCallWaitsForIsForgottenWhenItGoesOnOrTheAttemptEnds) {
  Story story;
  story.then(started(0)).then(CallWaiting{TaskId(0), 1, "quota `api`", Time{}});
  EXPECT_EQ(story.run[TaskId(0)].attempts.back().call_waits_on, "quota `api`");
  story.then(ended(0, 1, Outcome::timed_out));
  EXPECT_TRUE(story.run[TaskId(0)].attempts.back().call_waits_on.empty());
}

using RunStateDeathTest = ::testing::Test;

TEST(RunStateDeathTest, NothingFinishedIsDoneAgain) {
  Story story;
  story.then(TaskDone{TaskId(0), 0, {}, {}, "r-0"});
  EXPECT_DEATH(story.then(started(0)), "a task moves only as drawn");
}

TEST(RunStateDeathTest, ALateReportOfAnEarlierAttemptIsABug) {
  Story story;
  story.then(started(0)).then(ended(0, 1, Outcome::crashed));
  story.then(RetryPlanned{TaskId(0), AttemptStarted::Because::retry, {}, true, {}})
      .then(started(0, 2));
  EXPECT_DEATH(story.then(ended(0, 1, Outcome::succeeded)), "the latest attempt reports");
}

TEST(RunStateDeathTest, AGapInTheSequenceIsABug) {
  RunState run(two_tasks());
  EXPECT_DEATH(apply(run, {2, {}, RunBegan{}}), "one after the other");
}

}  // namespace
}  // namespace interlock::engine
