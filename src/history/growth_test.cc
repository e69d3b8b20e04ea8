#include "history/growth.h"

#include <gtest/gtest.h>

namespace interlock::history {
namespace {

/// Sizes from 1,000 on, each twice the one before, with what is taken.
std::vector<Sized> of(const std::vector<double>& values) {
  std::vector<Sized> seen;
  double size = 1000;
  for (const double value : values) seen.push_back({size, value}), size *= 2;
  return seen;
}

TEST(Growth, OfTwiceAsLongForFourTimesTheSizeIsFoundDespiteAWildOne) {
  const auto it = learn_growth(of({10, 14, 20, 28, 40, 900, 80, 113, 160}));
  ASSERT_TRUE(it);
  EXPECT_NEAR(it->power, 0.5, 0.05);
  EXPECT_NEAR(it->at(4000), 20, 2);
  EXPECT_NEAR(it->at(1), it->at(1000), 0.001) << "smaller ones were never seen";
  EXPECT_NEAR(it->at(1e9), it->at(256'000), 0.001);
}

TEST(Growth, IsNotSeenInWhatDoesNotGrowOrIsTooFewOrTooMuchAlike) {
  EXPECT_FALSE(learn_growth(of({10, 30, 9, 31, 10, 29, 11, 30, 9, 10})));
  EXPECT_FALSE(learn_growth(of({10, 20, 40, 80})));
  EXPECT_FALSE(learn_growth({}));
  std::vector<Sized> alike;
  for (int i = 0; i < 20; ++i) alike.push_back({1000.0 + 10 * i, 10.0 + i});
  EXPECT_FALSE(learn_growth(alike)) << "sizes hardly differ";
  std::vector<Sized> none(20);
  EXPECT_FALSE(learn_growth(none)) << "commands have no prompt";
}

TEST(Growth, IsNeverMoreThanTheSizeItself) {
  const auto it = learn_growth(of({1, 4, 16, 64, 256, 1024, 4096, 16384}));
  ASSERT_TRUE(it);
  EXPECT_EQ(it->power, 1);
}

}  // namespace
}  // namespace interlock::history
