#include "metering/windows.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace interlock::metering {
namespace {

std::optional<double> read_number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0)) return {};
  return number;
}

bool is_named(std::string_view header, std::string_view name) {
  return std::ranges::equal(header, name, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

std::optional<double> number_of(Headers headers, const std::string& name) {
  for (const auto& [given, value] : headers) {
    if (is_named(given, name)) return read_number(value);
  }
  return {};
}

/// `5h`, `7d`, `90m`.
std::string name_of(std::int64_t minutes) {
  constexpr std::int64_t kHour = 60, kDay = 24 * kHour;
  if (minutes % kDay == 0) return std::to_string(minutes / kDay) + "d";
  if (minutes % kHour == 0) return std::to_string(minutes / kHour) + "h";
  return std::to_string(minutes) + "m";
}

void read_codex(Headers headers, double used_max, double seconds_max,
                std::vector<Window>& windows) {
  constexpr double kMinutesMax = 1e6;
  for (const char* which : {"primary", "secondary"}) {
    const std::string begin = std::string("x-codex-") + which;
    const auto percent = number_of(headers, begin + "-used-percent");
    const auto minutes = number_of(headers, begin + "-window-minutes");
    const auto resets = number_of(headers, begin + "-reset-at");
    if (!percent || !minutes || !resets || *percent > 100 * used_max || *minutes < 1 ||
        *minutes > kMinutesMax || *resets > seconds_max)
      continue;
    windows.push_back({name_of(static_cast<std::int64_t>(*minutes)), *percent / 100,
                       Time(std::chrono::seconds(static_cast<std::int64_t>(*resets)))});
  }
}

}  // namespace

std::vector<Window> read_windows(Headers headers) {
  constexpr double kUsedMax = 100;
  constexpr double kSecondsMax = 4e9;  // Of the year 2096: what is beyond is no time of a reset.
  std::vector<Window> windows;
  for (const std::string name : {"5h", "7d"}) {
    const std::string begin = "anthropic-ratelimit-unified-" + name;
    const auto used = number_of(headers, begin + "-utilization");
    const auto resets = number_of(headers, begin + "-reset");
    if (!used || !resets || *used > kUsedMax || *resets > kSecondsMax) continue;
    windows.push_back(
        {name, *used, Time(std::chrono::seconds(static_cast<std::int64_t>(*resets)))});
  }
  read_codex(headers, kUsedMax, kSecondsMax, windows);
  return windows;
}

}  // namespace interlock::metering
