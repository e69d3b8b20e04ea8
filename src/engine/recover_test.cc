#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/retry.h"
#include "engine/shortage.h"

// What a run that is taken up again remembers of what it waited for.
namespace interlock::engine {
namespace {

plan::Plan one_task() {
  plan::Plan plan;
  plan.tasks.resize(1);
  plan.tasks[0].id = "a";
  return plan;
}

/// A task whose first attempt failed at second 2, and that may be tried again at `not_before`.
/// Another dispatcher comes at `now`.
Replay failed_once(const plan::Plan& plan, Time not_before, Time now) {
  Replay replay(plan);
  const auto take = [&replay](Time at, Event event) {
    replay.take({replay.run.seq + 1, at, std::move(event)});
  };
  const auto then = [&take](int second, Event event) {
    take(Time(std::chrono::seconds(second)), std::move(event));
  };
  then(0, RunBegan{});
  AttemptStarted started;
  started.task = TaskId(0);
  then(1, started);
  AttemptEnded ended;
  ended.task = TaskId(0);
  ended.outcome = Outcome::exited_nonzero;
  then(2, ended);
  then(2, RetryPlanned{TaskId(0), AttemptStarted::Trigger::retry, not_before, true, {}});
  take(now, RunBegan{.dispatcher = {}, .process = {}, .resumed = true});
  return replay;
}

schedule::WaitReason hold_at(Time now, Time not_before) {
  const plan::Plan plan = one_task();
  Setup setup;
  setup.problem.jobs.resize(1);
  const auto scheduler = scheduler_of(setup, failed_once(plan, not_before, now).changes, now);
  return scheduler.reason_of(TaskId(0), now);
}

TEST(Recover, ABackOffStandsOverAResumeAndNoLongerThanItCanBe) {
  using Why = schedule::WaitReason::Why;
  const Time now{std::chrono::seconds(3)};
  const Time soon = now + std::chrono::seconds(40);
  EXPECT_EQ(hold_at(now, soon).why, Why::backoff);
  EXPECT_EQ(hold_at(now, soon).until, soon);
  EXPECT_EQ(hold_at(now, now).why, Why::slot) << "it is over";
  // The clock was set back a year meanwhile.
  EXPECT_EQ(hold_at(now, now + std::chrono::hours(9000)).until, now + kBackoffMax);
}

TEST(Recover, WhatIsShortIsToldByTheSystemsOwnWords) {
  const auto short_of = [](const char* message) {
    return is_shortage(Error{Error::Kind::io, message, {}});
  };
  EXPECT_TRUE(short_of("cannot make a pipe: Too many open files"));
  EXPECT_TRUE(short_of("cannot start `sh`: Resource temporarily unavailable"));
  EXPECT_TRUE(short_of("cannot start `sh`: Cannot allocate memory"));
  EXPECT_FALSE(short_of("cannot execute `sh`: No such file or directory"));
  EXPECT_FALSE(is_shortage(Error{Error::Kind::invalid, "Too many open files", {}}));
}

}  // namespace
}  // namespace interlock::engine
