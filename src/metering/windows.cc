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
  return windows;
}

}  // namespace interlock::metering
