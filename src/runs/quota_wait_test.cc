#include "runs/quota_wait.h"

#include <gtest/gtest.h>

#include "support/plan_builder.h"

namespace interlock::runs {
namespace {

using namespace std::chrono_literals;

engine::RunState stopped(const plan::Plan& plan, engine::Outcome outcome) {
  engine::RunState run(plan);
  run.ended = engine::RunEnded::How::limit_reached;
  engine::AttemptRecord attempt;
  attempt.outcome = outcome;
  run.tasks[0].attempts.push_back(attempt);
  return run;
}

class AQuotaWait : public testing::Test {
 protected:
  AQuotaWait() : builder("p") { builder.task("a"); }
  testing_support::PlanBuilder builder;
  Time now = Time(100h);
};

TEST_F(AQuotaWait, LastsUntilTheProvidersResetAndALittleLonger) {
  auto run = stopped(builder.plan(), engine::Outcome::quota_spent);
  run.quota_resets = now + 3h;
  EXPECT_EQ(quota_wait_of(run, now, 0, 0)->lasts, Duration(3h));
  EXPECT_EQ(quota_wait_of(run, now, 0, 0.5)->lasts, Duration(3h + 15s));
  EXPECT_TRUE(quota_wait_of(run, now, 0, 0)->is_known);
  run.quota_resets = now + 10s;
  EXPECT_EQ(quota_wait_of(run, now, 0, 1)->lasts, Duration(10500ms));
}

TEST_F(AQuotaWait, WhoseEndNobodySaidGetsLonger) {
  auto run = stopped(builder.plan(), engine::Outcome::quota_spent);
  run.quota_resets = now - 1s;
  EXPECT_FALSE(quota_wait_of(run, now, 0, 0)->is_known);
  EXPECT_EQ(quota_wait_of(run, now, 0, 0)->lasts, Duration(15min));
  EXPECT_EQ(quota_wait_of(run, now, 2, 0)->lasts, Duration(1h));
  EXPECT_EQ(quota_wait_of(run, now, 40, 0)->lasts, Duration(2h));
}

TEST_F(AQuotaWait, IsForQuotasAloneAndForNoBudgetOfTheRun) {
  EXPECT_FALSE(
      quota_wait_of(stopped(builder.plan(), engine::Outcome::over_budget), now, 0, 0).has_value());
  auto run = stopped(builder.plan(), engine::Outcome::quota_spent);
  run.ended = engine::RunEnded::How::failed;
  EXPECT_FALSE(quota_wait_of(run, now, 0, 0).has_value());
}

}  // namespace
}  // namespace interlock::runs
