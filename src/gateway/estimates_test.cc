#include "gateway/estimates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::gateway {
namespace {

const TaskId kTask{0};
const TaskId kOther{1};

TEST(Estimates, begin_with_what_is_usual) {
  const Estimates estimates;
  EXPECT_EQ(estimates.output(kTask, "m", {}), Estimates::kOutputPrior);
  EXPECT_EQ(estimates.output(kTask, "m", 100), 100) << "it cannot come to more than was asked for";
  EXPECT_EQ(estimates.ratio("m"), Estimates::kRatioPrior);
}

TEST(Estimates, of_an_output_are_passed_by_one_in_ten) {
  Estimates estimates;
  for (Tokens output = 10; output <= 100; output += 10) estimates.learn_output(kTask, "m", output);
  EXPECT_EQ(estimates.output(kTask, "m", {}), 90);
  EXPECT_EQ(estimates.output(kTask, "m", 50), 50);
}

TEST(Estimates, are_of_the_same_task_before_others) {
  Estimates estimates;
  estimates.learn_output(kTask, "m", 5000);
  EXPECT_EQ(estimates.output(kOther, "m", {}), 5000) << "better than nothing";
  estimates.learn_output(kOther, "m", 10);
  EXPECT_EQ(estimates.output(kOther, "m", {}), 10);
  EXPECT_EQ(estimates.output(kTask, "m", {}), 5000);
  EXPECT_EQ(estimates.output(kTask, "another", {}), Estimates::kOutputPrior);
}

TEST(Estimates, begin_with_what_earlier_runs_put_out_where_that_is_known) {
  Estimates estimates;
  for (int i = 0; i < 20; ++i) estimates.learn_past_output("m", 3000);
  EXPECT_EQ(estimates.output(kTask, "m", {}), 3000);
  EXPECT_EQ(estimates.output(kTask, "n", {}), Estimates::kOutputPrior);
  estimates.learn_output(kTask, "m", 10);
  EXPECT_EQ(estimates.output(kTask, "m", {}), 10) << "its own says better";
}

TEST(Estimates, forget_what_was_long_ago) {
  Estimates estimates;
  for (int i = 0; i < 10; ++i) estimates.learn_output(kTask, "m", 9000);
  for (int i = 0; i < 64; ++i) estimates.learn_output(kTask, "m", 7);
  EXPECT_EQ(estimates.output(kTask, "m", {}), 7);
}

TEST(Estimates, of_an_input_follow_what_was_seen) {
  Estimates estimates;
  estimates.learn_ratio("m", 1000, 400);
  EXPECT_DOUBLE_EQ(estimates.ratio("m"), 0.4);
  for (int i = 0; i < 50; ++i) estimates.learn_ratio("m", 1000, 200);
  EXPECT_NEAR(estimates.ratio("m"), 0.2, 0.001);
  estimates.learn_ratio("m", 0, 200);
  estimates.learn_ratio("m", 1000, 0);
  EXPECT_NEAR(estimates.ratio("m"), 0.2, 0.001) << "what says nothing teaches nothing";
}

}  // namespace
}  // namespace interlock::gateway
