#include "metering/windows.h"

#include <gtest/gtest.h>

namespace interlock::metering {
namespace {

using Given = std::vector<std::pair<std::string, std::string>>;

TEST(Windows, are_read_with_their_resets) {
  const Given given{{"Anthropic-RateLimit-Unified-5h-Utilization", " 0.62 "},
                    {"anthropic-ratelimit-unified-5h-reset", "1795770000"},
                    {"anthropic-ratelimit-unified-7d-utilization", "1.02"},
                    {"anthropic-ratelimit-unified-7d-reset", "1796000000"}};
  const auto windows = read_windows(given);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0], (Window{"5h", 0.62, Time(std::chrono::seconds(1795770000))}));
  EXPECT_EQ(windows[1], (Window{"7d", 1.02, Time(std::chrono::seconds(1796000000))}));
}

TEST(Windows, of_codex_are_called_by_how_long_they_last) {
  const Given given{
      {"x-codex-primary-used-percent", "62.5"},      {"x-codex-primary-window-minutes", "300"},
      {"x-codex-primary-reset-at", "1795770000"},    {"X-Codex-Secondary-Used-Percent", "4"},
      {"x-codex-secondary-window-minutes", "10080"}, {"x-codex-secondary-reset-at", "1796000000"}};
  const auto windows = read_windows(given);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0], (Window{"5h", 0.625, Time(std::chrono::seconds(1795770000))}));
  EXPECT_EQ(windows[1], (Window{"7d", 0.04, Time(std::chrono::seconds(1796000000))}));
  for (const char* minutes : {"", "0", "-300", "1e9", "five"}) {
    EXPECT_TRUE(read_windows(Given{{"x-codex-primary-used-percent", "62.5"},
                                   {"x-codex-primary-window-minutes", minutes},
                                   {"x-codex-primary-reset-at", "1795770000"}})
                    .empty())
        << minutes;
  }
}

TEST(Windows, what_is_in_part_or_no_number_is_left_out) {
  for (const char* used : {"", "-0.1", "many", "nan", "inf", "1e400", "0.5x"}) {
    const Given given{{"anthropic-ratelimit-unified-5h-utilization", used},
                      {"anthropic-ratelimit-unified-5h-reset", "1795770000"}};
    EXPECT_TRUE(read_windows(given).empty()) << used;
  }
  EXPECT_TRUE(read_windows(Given{{"anthropic-ratelimit-unified-5h-utilization", "0.5"}}).empty());
}

}  // namespace
}  // namespace interlock::metering
