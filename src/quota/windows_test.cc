#include "quota/windows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "quota/fixture_folder.h"

namespace interlock::quota {
namespace {

using namespace std::chrono_literals;
constexpr Time kNow{std::chrono::seconds(1'795'767'000)};
constexpr Time kReset = kNow + 3h;

std::vector<metering::Window> five_hours(double used, Time resets = kReset) {
  return {{"5h", used, resets}};
}

TEST(KnownWindows, learn_what_a_token_takes) {
  auto known = with_answer({}, five_hours(0.20), 10'000, kNow);
  EXPECT_FALSE(known.at(0).share_per_token) << "one answer tells no difference";
  known = with_answer(known, five_hours(0.21), 30'000, kNow + 1min);
  EXPECT_NEAR(*known.at(0).share_per_token, 0.01 / 10'000, 1e-12);
  known = with_answer(known, five_hours(0.24), 5'000, kNow + 2min);
  EXPECT_NEAR(*known.at(0).share_per_token, 0.04 / 40'000, 1e-12);
  EXPECT_EQ(known.at(0).tokens, 45'000);
  known = with_answer(known, five_hours(0.30), std::nullopt, kNow + 3min);
  known = with_answer(known, five_hours(0.50), 1'000, kNow + 4min);
  EXPECT_NEAR(*known.at(0).share_per_token, 0.04 / 40'000, 1e-12) << "unknown is not zero";
  known = with_answer(known, five_hours(0.52), 1'000, kNow + 5min);
  EXPECT_NEAR(*known.at(0).share_per_token, 0.02 / 1'000, 1e-12);
}

TEST(KnownWindows, begin_anew_with_a_reset_and_keep_the_share) {
  auto known = with_answer({}, five_hours(0.50), 1'000, kNow);
  known = with_answer(known, five_hours(0.60), 1'000, kNow);
  const auto share = known.at(0).share_per_token;
  ASSERT_TRUE(share);
  known = with_answer(known, five_hours(0.01, kReset + 5h), 1'000, kReset + 1min);
  EXPECT_EQ(known.at(0).last.used, 0.01);
  EXPECT_EQ(known.at(0).share_per_token, share);
  known = with_answer(known, five_hours(0.61), 1'000, kReset + 1min);
  EXPECT_EQ(known.at(0).last.used, 0.01) << "an answer of before that comes late";
}

std::string shown(const std::vector<WindowLevel>& levels) {
  std::string text;
  for (const WindowLevel& one : levels)
    text += fmt::format("{}{} s {}", text.empty() ? "" : ", ", (one.at - kNow) / 1s, one.used);
  return text;
}

TEST(KnownWindows, keep_what_was_used_when_over_resets) {
  auto known = with_answer({}, five_hours(0.20), 1'000, kNow);
  known = with_answer(known, five_hours(0.20003), 1'000, kNow + 10s);  // Nobody sees that.
  known = with_answer(known, five_hours(0.25), 1'000, kNow + 20s);
  known = with_answer(known, five_hours(0.22), 1'000, kNow + 30s);  // It was sent before.
  known = with_answer(known, five_hours(0.01, kReset + 5h), 1'000, kReset + 60s);
  const std::string all = "0 s 0.2, 20 s 0.25, 10860 s 0.01";
  EXPECT_EQ(shown(known.at(0).levels), all);
  EXPECT_EQ(shown(windows_from_text(to_text(known)).at(0).levels), all);
}

TEST(KnownWindows, keep_no_more_than_some_of_it) {
  std::vector<KnownWindow> known;
  for (int i = 0; i < 2000; ++i)
    known = with_answer(known, five_hours(i / 2000.0), 1'000, kNow + i * 1s);
  const auto& levels = known.at(0).levels;
  EXPECT_LE(levels.size(), kLevelsKept);
  EXPECT_GE(levels.size(), kLevelsKept / 2);
  EXPECT_EQ(levels.front().used, 0);
  EXPECT_EQ(levels.back().used, 0.9995);
  EXPECT_TRUE(std::ranges::is_sorted(levels, {}, &WindowLevel::at));
  EXPECT_LT(to_text(known).size(), 10'000u);
}

TEST(KnownWindows, are_read_as_they_were_written_until_they_are_reset) {
  const TempFolder folder;
  const std::string file = folder.at("api.windows");
  EXPECT_TRUE(known_windows(file, kNow).empty());
  ASSERT_TRUE(note_windows(file, five_hours(0.5), 1'000, kNow));
  ASSERT_TRUE(note_windows(file, {{"7d", 0.1, kNow + 48h}}, 1'000, kNow));
  const auto known = known_windows(file, kNow);
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0].last, five_hours(0.5)[0]);
  EXPECT_EQ(known[1].seen, kNow);
  EXPECT_EQ(known_windows(file, kReset).size(), 1u);
  for (const char* text : {"", "[]", "{\"windows\": [7, {\"name\": 3}]}"})
    EXPECT_TRUE(windows_from_text(text).empty()) << text;
}

}  // namespace
}  // namespace interlock::quota
