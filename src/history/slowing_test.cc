#include "history/slowing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace interlock::history {
namespace {

/// `count` calls, `width` at a time, each with its own amount of work, on a server that slows as
/// `slowing` says; how long each took is found by playing it.
std::vector<Interval> played(std::size_t count, std::size_t width, Slowing slowing, double noise,
                             std::uint32_t seed, Time begin = Time(std::chrono::hours(1))) {
  struct Live {
    double left;
    std::size_t index;
  };
  std::mt19937 dice(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> tokens(50, 400);
  std::vector<Interval> made;
  std::vector<Live> live;
  double now = 0;
  const auto at = [&] { return begin + Duration(static_cast<std::int64_t>(now * 1e6)); };
  while (made.size() < count || !live.empty()) {
    while (live.size() < width && made.size() < count) {
      const double size = std::round(tokens(dice));
      live.push_back({size * 0.01 * std::exp(noise * normal(dice)), made.size()});
      made.push_back({at(), {}, "", size});
    }
    const auto k = static_cast<double>(live.size());
    const double pace =
        1 / (1 + slowing.by * std::max(0.0, k - static_cast<double>(slowing.beyond)));
    const auto next = std::ranges::min_element(live, {}, &Live::left);
    const double work = next->left;
    now += work / pace;
    for (Live& it : live) it.left -= work;
    made[next->index].ended = at();
    live.erase(next);
  }
  return made;
}

const Time kLater = Time(std::chrono::hours(1000));

/// Runs of several widths, one after the other.
std::vector<Interval> played_at(std::initializer_list<std::size_t> widths, std::size_t count,
                                Slowing slowing, double noise, std::uint32_t seed) {
  std::vector<Interval> all;
  Time begin(std::chrono::hours(1));
  for (const std::size_t width : widths) {
    const auto more =
        played(count, width, slowing, noise, seed * 100 + static_cast<std::uint32_t>(width), begin);
    all.insert(all.end(), more.begin(), more.end());
    begin += std::chrono::hours(10);
  }
  return all;
}

TEST(LearnSlowing, FindsKneeAndSlopeOfAServerThatSlowsBeyondThree) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const auto it = learn_slowing(played_at({2, 4, 6, 8}, 16, {3, 1}, 0.1, seed));
    ASSERT_EQ(it.kind, LearnedSlowing::Kind::found) << seed;
    EXPECT_EQ(it.slowing.beyond, 3) << seed;
    EXPECT_NEAR(it.slowing.by, 1, 0.25) << seed;
    EXPECT_EQ(it.count, 64u);
  }
}

TEST(LearnSlowing, FindsAGentleSlopeInMuchNoiseNearlyAlways) {
  int near = 0, far = 0;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const auto it = learn_slowing(played_at({2, 4, 6, 9}, 40, {4, 0.4}, 0.2, seed));
    if (it.kind != LearnedSlowing::Kind::found) continue;
    (std::abs(it.slowing.beyond - 4) <= 1 ? near : far) += 1;
  }
  EXPECT_GE(near, 16);
  EXPECT_LE(far, 1);
}

TEST(LearnSlowing, FindsNoneWhereThereIsNone) {
  int found = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const auto it = learn_slowing(played_at({3, 5, 8}, 20, {1, 0}, 0.4, seed));
    found += it.kind == LearnedSlowing::Kind::found;
    EXPECT_NE(it.kind, LearnedSlowing::Kind::too_few);
  }
  EXPECT_LE(found, 1) << "of sixty noisy servers";
}

TEST(LearnSlowing, SaysNotMeasuredOfTooFewAndOfOneLevel) {
  EXPECT_EQ(learn_slowing({}).kind, LearnedSlowing::Kind::too_few);
  EXPECT_EQ(learn_slowing(played(11, 8, {3, 1}, 0, 1)).kind, LearnedSlowing::Kind::too_few);
  EXPECT_EQ(learn_slowing(played(40, 1, {3, 1}, 0.1, 1)).kind, LearnedSlowing::Kind::same_level);
  // One at a time and eight in step, never anything between: where it begins cannot be told.
  std::vector<Interval> steps = played(20, 1, {3, 1}, 0.1, 1);
  for (int wave = 0; wave < 5; ++wave) {
    const Time at = kLater + std::chrono::minutes(wave);
    for (int i = 0; i < 8; ++i) steps.push_back({at, at + std::chrono::seconds(12), "", 200});
  }
  EXPECT_EQ(learn_slowing(steps).kind, LearnedSlowing::Kind::same_level);
}

TEST(LearnSlowing, ComparesOnlyWhatIsAlikeAndCountsTheRestAsLoad) {
  // Short commands that ran alone, and long ones that ran beside others: no sign of slowing.
  std::vector<Interval> intervals;
  Time at(std::chrono::hours(1));
  for (int i = 0; i < 12; ++i, at += std::chrono::seconds(10))
    intervals.push_back({at, at + std::chrono::seconds(1), "short", 1});
  for (int i = 0; i < 24; ++i, at += std::chrono::seconds(20)) {
    intervals.push_back({at, at + std::chrono::seconds(60), "long", 1});
    intervals.push_back({at, at + std::chrono::seconds(5), "", 0});
  }
  EXPECT_NE(learn_slowing(intervals).kind, LearnedSlowing::Kind::found);
}

}  // namespace
}  // namespace interlock::history
