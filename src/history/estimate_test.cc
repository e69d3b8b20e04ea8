#include "history/estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace interlock::history {
namespace {

std::vector<Observation> of(std::initializer_list<double> values) {
  std::vector<Observation> observations;
  for (const double value : values) observations.push_back({value, 1});
  return observations;
}

TEST(Estimate, OneWildMeasurementMovesNeitherMedianNorSpreadMuch) {
  const auto calm = estimate(of({9, 10, 10, 11, 10, 9, 11, 10, 10}), 1e-3);
  const auto wild = estimate(of({9, 10, 10, 11, 10, 9, 11, 10, 5000}), 1e-3);
  ASSERT_TRUE(calm && wild);
  EXPECT_DOUBLE_EQ(calm->median, 10);
  EXPECT_DOUBLE_EQ(wild->median, 10);
  EXPECT_EQ(wild->count, 9u);
  EXPECT_NEAR(wild->spread, calm->spread, 0.05);
}

TEST(Estimate, FewMeasurementsSayAboutAsLittleOfTheSpreadAsNone) {
  const auto one = estimate(of({42}), 1e-3);
  ASSERT_TRUE(one);
  EXPECT_DOUBLE_EQ(one->median, 42);
  EXPECT_DOUBLE_EQ(one->spread, kPriorSpread);
  EXPECT_FALSE(estimate({}, 1e-3));
}

TEST(Estimate, FindsTheSpreadOfManyMeasurements) {
  std::vector<Observation> observations;
  // The quantiles of a lognormal distribution with the spread 0.3, by a rough inverse.
  for (int i = 1; i < 200; ++i) {
    const double p = i / 200.0;
    const double z = 4.91 * (std::pow(p, 0.14) - std::pow(1 - p, 0.14));  // Hastings-like; +-0.006.
    observations.push_back({60 * std::exp(0.3 * z), 1});
  }
  const auto it = estimate(observations, 1e-3);
  EXPECT_NEAR(it->median, 60, 1);
  EXPECT_NEAR(it->spread, 0.3, 0.03);
}

TEST(Estimate, OldMeasurementsCountLess) {
  using std::chrono::hours;
  EXPECT_DOUBLE_EQ(weight_of_age(hours(0)), 1);
  EXPECT_DOUBLE_EQ(weight_of_age(hours(30 * 24)), 0.5);
  std::vector<Observation> observations(6, {100, weight_of_age(hours(180 * 24))});
  observations.push_back({10, 1});
  observations.push_back({10, 1});
  const auto it = estimate(observations, 1e-3);
  EXPECT_DOUBLE_EQ(it->median, 10) << "two of today outweigh six of half a year ago";
  EXPECT_EQ(it->count, 8u);
  EXPECT_LT(it->weight, 3);
}

TEST(Estimate, AThinGroupIsDrawnTowardsTheOthersAndARichOneIsNot) {
  const auto thin = estimate(of({10}), 1e-3),
             rich = estimate(std::vector<Observation>(40, {10, 1}), 1e-3);
  const double alike = variance_between({99, 100, 101});
  EXPECT_GT(drawn_towards(*thin, 100, alike), 90) << "all others are alike";
  EXPECT_NEAR(drawn_towards(*rich, 100, variance_between({1, 10, 100})), 10, 0.5);
  EXPECT_LT(drawn_towards(*thin, 100, variance_between({1, 10, 100, 1000})), 15)
      << "the others lie far apart themselves";
}

TEST(Estimate, ARateIsNeitherNothingNorAllAfterOneTry) {
  EXPECT_GT(rate(0, 1, 0.05), 0);
  EXPECT_LT(rate(1, 1, 0.05), 0.5);
  EXPECT_NEAR(rate(50, 100, 0.05), 0.5, 0.02);
}

TEST(Quantile, IsTheLeastThatThisPartOfTheWeightDoesNotExceed) {
  EXPECT_EQ(quantile({}, 0.5), std::nullopt);
  EXPECT_EQ(quantile({{4, 1}, {1, 1}, {3, 1}, {2, 1}}, 0.75), 3);
  EXPECT_EQ(quantile({{4, 1}, {1, 1}, {3, 1}, {2, 1}}, 0.76), 4);
  EXPECT_EQ(quantile({{1, 9}, {2, 1}}, 0.9), 1) << "what is old counts little";
}

}  // namespace
}  // namespace interlock::history
