#include "engine/retry.h"

#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

plan::Task task_with(int retries) {
  plan::Task task;
  task.retries = retries;
  task.backoff = std::chrono::seconds(2);
  return task;
}

TEST(NextTry, AnInvalidOutputIsCorrectedOnceAtNoCost) {
  TaskRecord record;
  const auto first = next_try(task_with(0), record, Outcome::output_invalid, "seed");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->because, AttemptStarted::Trigger::correction);
  EXPECT_EQ(first->after, Duration{});
  EXPECT_FALSE(first->charged);
  record.corrections_used = 1;
  EXPECT_FALSE(next_try(task_with(0), record, Outcome::output_invalid, "seed"));
}

TEST(NextTry, RetriesLastAsLongAsThePlanSays) {
  TaskRecord record;
  for (const Outcome outcome :
       {Outcome::exited_nonzero, Outcome::crashed, Outcome::timed_out, Outcome::went_silent,
        Outcome::verify_failed, Outcome::output_missing}) {
    record.retries_used = 1;
    EXPECT_TRUE(next_try(task_with(2), record, outcome, "seed")) << name_of(outcome);
    record.retries_used = 2;
    EXPECT_FALSE(next_try(task_with(2), record, outcome, "seed")) << name_of(outcome);
  }
}

TEST(NextTry, WhoWasToldToWaitIsTriedAgainAtNoCostAndNotForEver) {
  TaskRecord record;
  AttemptRecord refused;
  refused.outcome = Outcome::rate_limited;
  for (int i = 0; i < kRateLimitedMax; ++i) {
    record.attempts.push_back(refused);
    const auto next = next_try(task_with(0), record, Outcome::rate_limited, "seed");
    ASSERT_TRUE(next) << i;
    EXPECT_FALSE(next->charged);
    EXPECT_GE(next->after, kRateLimitedBackoff / 2);
  }
  record.attempts.push_back(refused);
  EXPECT_FALSE(next_try(task_with(0), record, Outcome::rate_limited, "seed"));
}

TEST(NextTry, WhatWouldBeNoBetterTheNextTimeIsNotTriedAgain) {
  for (const Outcome outcome : {Outcome::over_budget, Outcome::runaway, Outcome::auth_failed,
                                Outcome::bad_request, Outcome::too_long}) {
    EXPECT_FALSE(next_try(task_with(9), {}, outcome, "seed")) << name_of(outcome);
  }
}

TEST(NextTry, WhatCannotBeExecutedOrWasCancelledIsNotTriedAgain) {
  EXPECT_FALSE(next_try(task_with(9), {}, Outcome::not_started, "seed"));
  EXPECT_FALSE(next_try(task_with(9), {}, Outcome::cancelled, "seed"));
}

TEST(NextTry, AnInterruptedAttemptIsDoneAgainAtOnceAndAtNoCost) {
  const auto again = next_try(task_with(0), {}, Outcome::interrupted, "seed");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->because, AttemptStarted::Trigger::again);
  EXPECT_FALSE(again->charged);
}

TEST(NextTry, BackOffDoublesWithAHalfOfJitterUpToALimit) {
  TaskRecord record;
  for (int used = 0; used < 30; ++used) {
    record.retries_used = used;
    const auto next =
        next_try(task_with(100), record, Outcome::crashed, "seed" + std::to_string(used));
    ASSERT_TRUE(next);
    const Duration whole = std::min<Duration>(
        std::chrono::seconds(2) * (std::int64_t{1} << std::min(used, 20)), kBackoffMax);
    EXPECT_GE(next->after, whole / 2);
    EXPECT_LE(next->after, whole);
  }
}

TEST(NextTry, TasksThatFailTogetherDoNotComeBackTogether) {
  const auto a = next_try(task_with(1), {}, Outcome::crashed, "run/a#1");
  const auto b = next_try(task_with(1), {}, Outcome::crashed, "run/b#1");
  EXPECT_NE(a->after, b->after);
  EXPECT_EQ(a->after, next_try(task_with(1), {}, Outcome::crashed, "run/a#1")->after);
}

}  // namespace
}  // namespace interlock::engine
