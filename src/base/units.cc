#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"

namespace interlock {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kCountMax = 1'000'000'000 * kMillion;
constexpr Duration kDurationMax = 365 * 24h;

/// An exact decimal: `whole + millionths / 10^6`. Floating point would lose the last digit of
/// `0.1h`.
struct Decimal {
  std::int64_t whole = 0;
  std::int64_t millionths = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes `digits` or `digits.digits` off the front; at most `kCountMax`, at most six places.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    decimal.whole = decimal.whole * 10 + (text.front() - '0');
    if (decimal.whole > kCountMax) return std::nullopt;
  }
  if (!take(text, ".")) return decimal;
  std::int64_t place = kMillion;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    if (place == 1) return std::nullopt;
    place /= 10;
    decimal.millionths += (text.front() - '0') * place;
  }
  if (place == kMillion) return std::nullopt;
  return decimal;
}

/// `decimal * unit`, if that is a whole number of at most `most`.
std::optional<std::int64_t> times(const Decimal& decimal, std::int64_t unit, std::int64_t most) {
  const std::int64_t part = decimal.millionths * unit;  // below 10^6 * 3.6 * 10^9
  if (part % kMillion != 0 || decimal.whole > most / unit) return std::nullopt;
  const std::int64_t product = decimal.whole * unit + part / kMillion;
  if (product > most) return std::nullopt;
  return product;
}

struct TimeUnit {
  std::string_view name;
  std::int64_t us;
};

/// Largest first: the order in which a compound duration names them.
constexpr std::array<TimeUnit, 4> kTimeUnits{
    {{"h", 3'600 * kMillion}, {"m", 60 * kMillion}, {"s", kMillion}, {"ms", 1'000}}};

/// Takes a unit off the front and answers its place in kTimeUnits.
std::optional<std::size_t> take_time_unit(std::string_view& text) {
  std::size_t letters = 0;
  while (letters < text.size() && !is_digit(text[letters])) ++letters;
  const std::string_view name = text.substr(0, letters);
  text.remove_prefix(letters);
  for (std::size_t i = 0; i < kTimeUnits.size(); ++i) {
    if (kTimeUnits[i].name == name) return i;
  }
  return std::nullopt;
}

/// The nearest whole number of `unit`s; halves go up. `value` is not negative.
constexpr std::int64_t rounded(std::int64_t value, std::int64_t unit) {
  return value / unit + (value % unit >= unit - unit / 2 ? 1 : 0);
}

/// `value` in `unit`s with at most three figures and at most one place: `0.4`, `45`, `12.3`, `123`.
std::string show_three_figures(std::int64_t value, std::int64_t unit) {
  const std::int64_t tenths = rounded(value, unit / 10);
  if (tenths >= 1'000) return fmt::format("{}", rounded(value, unit));
  if (tenths % 10 == 0) return fmt::format("{}", tenths / 10);
  return fmt::format("{}.{}", tenths / 10, tenths % 10);
}

/// The value without its sign; the one number that has no positive twin loses its last digit.
constexpr std::int64_t magnitude(std::int64_t value) {
  if (value >= 0) return value;
  return value == std::numeric_limits<std::int64_t>::min()
             ? std::numeric_limits<std::int64_t>::max()
             : -value;
}

/// `us` in one unit, exactly; nothing where six decimal places are not enough.
std::optional<std::string> write_in_unit(std::int64_t us, const TimeUnit& unit) {
  const std::int64_t part = us % unit.us * kMillion;  // below 3.6 * 10^15
  if (part % unit.us != 0) return std::nullopt;
  std::string text = fmt::format("{}", us / unit.us);
  if (part != 0) {
    text += fmt::format(".{:06}", part / unit.us);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text.append(unit.name);
}

/// `us` as whole amounts of the units whose bits are set in `leading`, and what is left in the unit
/// `last`.
std::optional<std::string> write_compound(std::int64_t us, unsigned leading, std::size_t last) {
  std::string text;
  for (std::size_t i = 0; i < last; ++i) {
    const std::int64_t amount = (leading >> i & 1U) != 0 ? us / kTimeUnits[i].us : 0;
    if (amount > 0) text += fmt::format("{}{}", amount, kTimeUnits[i].name);
    us -= amount * kTimeUnits[i].us;
  }
  if (us == 0 && !text.empty()) return text;
  const std::optional<std::string> rest = write_in_unit(us, kTimeUnits[last]);
  return rest ? std::optional(text + *rest) : std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  std::size_t largest_allowed = 0;
  do {
    const std::optional<Decimal> amount = take_decimal(text);
    const std::optional<std::size_t> place = amount ? take_time_unit(text) : std::nullopt;
    // `30m1h` and `1h1h` are more likely slips than wishes, and so is a fraction before the last
    // unit.
    if (!place || *place < largest_allowed) return std::nullopt;
    if (amount->millionths != 0 && !text.empty()) return std::nullopt;
    const auto part = times(*amount, kTimeUnits[*place].us, kDurationMax.count() - total);
    if (!part) return std::nullopt;
    total += *part;
    largest_allowed = *place + 1;
  } while (!text.empty());
  return Duration(total);
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  const std::optional<Decimal> decimal = take_decimal(text);
  if (!decimal) return std::nullopt;
  std::int64_t unit = 1;
  if (take(text, "k"))
    unit = 1'000;
  else if (take(text, "M"))
    unit = kMillion;
  if (!text.empty()) return std::nullopt;
  return times(*decimal, unit, kCountMax);
}

std::optional<Rate> parse_rate(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Duration>, 4> kPeriods{
      {{"s", 1s}, {"min", 1min}, {"h", 1h}, {"day", 24h}}};
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<std::int64_t> amount = parse_count(text.substr(0, slash));
  if (!amount || *amount == 0) return std::nullopt;
  for (const auto& [name, per] : kPeriods) {
    if (text.substr(slash + 1) == name) return Rate{*amount, per};
  }
  return std::nullopt;
}

std::optional<MicroUsd> parse_usd(std::string_view text) {
  take(text, "$");
  const std::optional<Decimal> decimal = take_decimal(text);
  if (!decimal || !text.empty()) return std::nullopt;
  return times(*decimal, kMillion, kCountMax);
}

std::string show_duration(Duration duration) {
  const std::int64_t us = magnitude(duration.count());
  if (duration < 0us) return "-" + show_duration(Duration(us));
  if (us == 0) return "0 s";
  if (rounded(us, 1'000) < 100) return show_three_figures(us, 1'000) + " ms";
  const std::int64_t seconds = rounded(us, kMillion);
  if (seconds < 60) return show_three_figures(us, kMillion) + " s";
  if (seconds < 3'600) return fmt::format("{} m {:02} s", seconds / 60, seconds % 60);
  const std::int64_t minutes = rounded(us, 60 * kMillion);
  if (minutes < 24 * 60) return fmt::format("{} h {:02} m", minutes / 60, minutes % 60);
  const std::int64_t hours = rounded(us, 3'600 * kMillion);
  return fmt::format("{} d {:02} h", hours / 24, hours % 24);
}

std::string show_count(std::int64_t count) {
  if (count < 0) return "-" + show_count(magnitude(count));
  if (count < 1'000) return fmt::format("{}", count);
  std::int64_t unit = 1'000;
  std::string_view suffixes = "kMGT";
  // Asked after rounding, so that 999,999 is `1M` and not `1000k`.
  for (; suffixes.size() > 1 && rounded(count, unit) >= 1'000; suffixes.remove_prefix(1))
    unit *= 1'000;
  return show_three_figures(count, unit) + suffixes.front();
}

std::string show_usd(MicroUsd usd) {
  if (usd < 0) return "-" + show_usd(magnitude(usd));
  std::int64_t unit = 1;
  while (usd < kMillion && usd / unit >= 1'000) unit *= 10;
  const std::int64_t three_figures = rounded(usd, unit) * unit;
  if (three_figures >= kMillion) {
    const std::int64_t cents = rounded(usd, 10'000);
    return fmt::format("${}.{:02}", cents / 100, cents % 100);
  }
  std::string text = fmt::format("$0.{:06}", three_figures);
  const std::size_t kept =
      std::max(text.find_last_not_of('0') + 1, std::string_view("$0.00").size());
  return text.substr(0, kept);
}

std::string write_duration(Duration duration) {
  check(duration >= 0us, "a duration in a plan is not negative");
  std::string shortest;
  for (std::size_t last = kTimeUnits.size(); last-- > 0;) {
    for (unsigned leading = 0; leading < 1U << last; ++leading) {
      const std::optional<std::string> text = write_compound(duration.count(), leading, last);
      if (text && (shortest.empty() || text->size() < shortest.size())) shortest = *text;
    }
  }
  check(!shortest.empty(), "seconds have a microsecond's six places");
  return shortest;
}

std::string show_time(Time time) {
  const auto at = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace interlock
