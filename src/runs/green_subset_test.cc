#include "runs/green_subset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace interlock::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Stands = std::vector<std::vector<std::size_t>>;

/// Fails with any of these.
SubsetCheck red_with(std::set<std::size_t> bad) {
  return [bad = std::move(bad)](const std::vector<bool>& taken) -> Result<bool> {
    return std::ranges::none_of(bad, [&](std::size_t one) { return taken[one]; });
  };
}

TEST(GreenSubset, all_that_pass_take_one_check) {
  const auto found = green_subset(Stands(5), 20, red_with({}));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->checks, 1u);
  EXPECT_THAT(found->taken, ElementsAre(true, true, true, true, true));
  EXPECT_THAT(found->red, IsEmpty());
}

TEST(GreenSubset, each_red_one_is_found_and_nothing_else_is_left_out) {
  for (std::size_t a = 0; a < 9; ++a) {
    for (std::size_t b = a; b < 9; ++b) {
      const auto found = green_subset(Stands(9), 100, red_with({a, b}));
      ASSERT_TRUE(found.has_value());
      const std::set<std::size_t> red(found->red.begin(), found->red.end());
      EXPECT_EQ(red, (std::set<std::size_t>{a, b}));
      EXPECT_EQ(std::ranges::count(found->taken, true), a == b ? 8 : 7);
      EXPECT_LE(found->checks, 2u + red.size() * 5u);
    }
  }
}

TEST(GreenSubset, what_stands_on_a_red_one_goes_with_it) {
  const auto found = green_subset({{}, {0}, {1}, {}}, 20, red_with({0}));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->red, ElementsAre(0));
  EXPECT_THAT(found->untried, ElementsAre(1, 2));
  EXPECT_THAT(found->taken, ElementsAre(false, false, false, true));
}

TEST(GreenSubset, of_two_that_fail_only_together_the_later_one_goes) {
  const auto found = green_subset(
      Stands(4), 20,
      [](const std::vector<bool>& taken) -> Result<bool> { return !(taken[0] && taken[2]); });
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->red, ElementsAre(2));
  EXPECT_THAT(found->taken, ElementsAre(true, true, false, true));
}

TEST(GreenSubset, a_check_that_fails_without_any_says_nothing_of_them) {
  const auto found =
      green_subset(Stands(3), 20, [](const std::vector<bool>&) -> Result<bool> { return false; });
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->base_is_red);
  EXPECT_EQ(found->checks, 2u);
  EXPECT_THAT(found->taken, ElementsAre(true, true, true));
}

TEST(GreenSubset, it_ends_at_its_bound_with_what_is_known_to_pass) {
  for (std::size_t most = 2; most < 12; ++most) {
    std::set<std::vector<bool>> passed;
    const auto inner = red_with({1, 4, 6});
    const auto found = green_subset(Stands(8), most, [&](const std::vector<bool>& taken) {
      const auto good = inner(taken);
      if (*good) passed.insert(taken);
      return good;
    });
    ASSERT_TRUE(found.has_value());
    EXPECT_LE(found->checks, most);
    EXPECT_TRUE(passed.contains(found->taken)) << most;
    EXPECT_EQ(found->red.size() + found->untried.size() +
                  static_cast<std::size_t>(std::ranges::count(found->taken, true)),
              8u);
  }
}

TEST(GreenSubset, an_error_ends_it) {
  const auto found = green_subset(Stands(3), 20, [](const std::vector<bool>&) -> Result<bool> {
    return fail(Error::Kind::io, "no room");
  });
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message, "no room");
}

}  // namespace
}  // namespace interlock::runs
