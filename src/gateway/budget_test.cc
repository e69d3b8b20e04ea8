#include "gateway/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace interlock::gateway {
namespace {

std::string passed_by(const Budget& budget, Charge more) {
  return budget.passed_by(more).value_or("none");
}

TEST(Budget, without_a_bound_everything_fits) {
  EXPECT_EQ(passed_by(Budget(), {.tokens = 1'000'000'000, .usd = 1'000'000'000}), "none");
}

TEST(Budget, may_be_used_to_its_last_token_and_not_beyond) {
  Budget budget(100, 50);
  EXPECT_EQ(passed_by(budget, {.tokens = 100, .usd = 50}), "none");
  EXPECT_EQ(passed_by(budget, {.tokens = 101}), "tokens");
  EXPECT_EQ(passed_by(budget, {.usd = 51}), "dollars");
  budget.take({.tokens = 60, .usd = 10});
  EXPECT_EQ(passed_by(budget, {.tokens = 40, .usd = 40}), "none");
  EXPECT_EQ(passed_by(budget, {.tokens = 41}), "tokens");
}

TEST(Budget, what_is_given_back_may_be_used_again) {
  Budget budget(100, {});
  budget.take({.tokens = 100});
  EXPECT_EQ(passed_by(budget, {.tokens = 1}), "tokens");
  budget.give_back({.tokens = 100});
  budget.take({.tokens = 30});
  EXPECT_EQ(passed_by(budget, {.tokens = 70}), "none");
}

TEST(Budget, a_new_bound_counts_what_is_gone_already) {
  Budget budget(10, {});
  budget.take({.tokens = 10});
  budget.set(100, 100, {.tokens = 40, .usd = 90});
  EXPECT_EQ(passed_by(budget, {.tokens = 60, .usd = 10}), "none");
  EXPECT_EQ(passed_by(budget, {.tokens = 61}), "tokens");
  EXPECT_EQ(passed_by(budget, {.usd = 11}), "dollars");
}

}  // namespace
}  // namespace interlock::gateway
