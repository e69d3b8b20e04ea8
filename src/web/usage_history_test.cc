#include "web/usage_history.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::web {
namespace {

using std::chrono::seconds;

Time at(int second) { return Time(seconds(second)); }

/// `10 s: 3, 20 s: 1`
std::string shown(const Steps& steps) {
  std::string text;
  for (const auto& [moment, level] : steps)
    text += fmt::format("{}{} s: {}", text.empty() ? "" : ", ",
                        moment.time_since_epoch() / seconds(1), level);
  return text;
}

TEST(UsageOverTime, CountsWhatWasUsedInTheTimeThatARateCounts) {
  EXPECT_EQ(shown(used_in_last({{at(0), 1}, {at(10), 2}, {at(65), 4}}, seconds(60))),
            "0 s: 1, 10 s: 3, 60 s: 2, 65 s: 6, 70 s: 4, 125 s: 0");
  // One goes when another comes: what is told of the moment is what holds from then on.
  EXPECT_EQ(shown(used_in_last({{at(60), 5}, {at(0), 5}}, seconds(60))),
            "0 s: 5, 60 s: 5, 120 s: 0");
  EXPECT_EQ(shown(used_in_last({{at(1), 0}}, seconds(60))), "");
}

TEST(UsageOverTime, AddsUp) {
  EXPECT_EQ(shown(used_until({{at(9), 5}, {at(2), 100}, {at(9), 1}})), "2 s: 100, 9 s: 106");
}

TEST(UsageOverTime, ThinnedItHidesNoPeakAndNotHowItEnded) {
  Steps steps;
  for (int i = 0; i < 1000; ++i) steps.emplace_back(at(i), i == 537 ? 99 : i % 7);
  steps.emplace_back(at(1000), 0);
  const Steps some = thinned(steps, 50);
  EXPECT_LE(some.size(), 51u);
  EXPECT_EQ(some.front().first, at(0));
  EXPECT_EQ(some.back().second, 0);
  EXPECT_EQ(std::ranges::max(some, {}, [](const auto& step) { return step.second; }).second, 99);
  EXPECT_EQ(thinned(steps, 2000), steps);
  EXPECT_TRUE(thinned({}, 5).empty());
}

}  // namespace
}  // namespace interlock::web
