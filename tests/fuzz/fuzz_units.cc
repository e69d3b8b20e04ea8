// Any text is refused, or is a quantity within its bounds; durations are written and read back.
#include <cstdint>

#include "base/check.h"
#include "base/units.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = parse_duration(text)) {
    const bool in_bounds = *duration >= Duration::zero() && *duration <= std::chrono::days(365);
    check(in_bounds, "a duration is between nothing and a year");
    const std::string written = write_duration(*duration);
    check(parse_duration(written) == duration, "a duration is read back");
    check(show_duration(*duration).size() < 12, "a duration is short");
  }
  if (const auto count = parse_count(text)) {
    check(*count >= 0 && *count <= kMost, "a count is in its bounds");
    check(parse_count(std::to_string(*count)) == count, "a count is read back");
  }
  if (const auto rate = parse_rate(text)) {
    check(rate->amount > 0 && rate->per > Duration::zero(), "a rate lets something through");
  }
  if (const auto usd = parse_usd(text))
    check(*usd >= 0 && *usd <= kMost, "an amount is in its bounds");
  return 0;
}
