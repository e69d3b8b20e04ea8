#include <array>
#include <charconv>
#include <cmath>

#include "metering/reported_error.h"

namespace interlock::metering {
namespace {

using namespace std::chrono;

constexpr double kLongest = 365.0 * 24 * 3600;

/// Digits and a point, taken off `text`. No sign, no exponent.
std::optional<double> take_number(std::string_view& text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789."));
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number,
                                            std::chars_format::fixed);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  text.remove_prefix(digits.size());
  return number;
}

std::optional<double> take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  // The longer names first: `ms` begins as `m` does.
  constexpr std::array kUnits{Unit{"ms", 1e-3}, Unit{"us", 1e-6}, Unit{"µs", 1e-6},
                              Unit{"ns", 1e-9}, Unit{"s", 1},     Unit{"m", 60},
                              Unit{"h", 3600},  Unit{"d", 86400}};
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.seconds;
  }
  return {};
}

/// Exactly `size` digits.
std::optional<int> take_digits(std::string_view& text, std::size_t size) {
  const std::string_view digits = text.substr(0, size);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_whole = digits.size() == size && end == digits.data() + digits.size();
  if (error != std::errc() || !is_whole || digits.starts_with('-')) return {};
  text.remove_prefix(size);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// `12:34:56`.
std::optional<seconds> take_clock(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return {};
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return {};
  const auto second = take_digits(text, 2);
  // 60: a leap second.
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return {};
  return hours(*hour) + minutes(*minute) + seconds(*second);
}

/// `Z`, `+02:00`, `-0800`.
std::optional<minutes> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return minutes(0);
  const bool west = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return {};
  const auto hour = take_digits(text, 2);
  take(text, ':');
  const auto minute = take_digits(text, 2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return {};
  const minutes zone = hours(*hour) + minutes(*minute);
  return west ? -zone : zone;
}

std::optional<Time> read_rfc3339(std::string_view text) {
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return {};
  const auto m = take_digits(text, 2);
  if (!m || !take(text, '-')) return {};
  const auto d = take_digits(text, 2);
  const year_month_day date{year(*y), month(m.value_or(0)), day(d.value_or(0))};
  if (!date.ok() || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return {};
  const auto clock = take_clock(text);
  if (!clock) return {};
  Duration fraction{};
  if (text.starts_with('.')) {
    const auto part = take_number(text);
    if (!part || *part >= 1) return {};
    fraction = Duration(static_cast<std::int64_t>(*part * 1e6));
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return {};
  return sys_days(date) + *clock + fraction - *zone;
}

std::optional<Time> read_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", ") return {};
  text.remove_prefix(5);
  const auto d = take_digits(text, 2);
  if (!d || !take(text, ' ')) return {};
  const std::size_t at = kMonths.find(text.substr(0, 3));
  if (at == std::string_view::npos || at % 3 != 0) return {};
  text.remove_prefix(3);
  if (!take(text, ' ')) return {};
  const auto y = take_digits(text, 4);
  const year_month_day date{year(y.value_or(0)), month(static_cast<unsigned>(at / 3 + 1)), day(*d)};
  if (!y || !date.ok() || !take(text, ' ')) return {};
  const auto clock = take_clock(text);
  if (!clock || text != " GMT") return {};
  return sys_days(date) + *clock;
}

}  // namespace

std::optional<Duration> read_reset(std::string_view text) {
  if (text.empty()) return {};
  double seconds = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return {};
    const bool is_bare = text.empty() && seconds == 0;
    const auto unit = is_bare ? std::optional(1.0) : take_unit(text);
    if (!unit) return {};
    seconds += *number * *unit;
  }
  if (!(seconds <= kLongest)) return {};
  // Up: too late is a moment lost, too early a refusal.
  return Duration(static_cast<std::int64_t>(std::ceil(seconds * 1e6 - 1e-6)));
}

std::optional<Time> read_instant(std::string_view text) {
  if (const auto instant = read_rfc3339(text)) return instant;
  return read_http_date(text);
}

}  // namespace interlock::metering
