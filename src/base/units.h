#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace interlock {

/// A span of time. Microseconds, so that sums of a million tasks stay exact.
using Duration = std::chrono::microseconds;
/// A moment: microseconds since the Unix epoch, as the Clock port tells it (never backwards).
using Time = std::chrono::sys_time<Duration>;

using Tokens = std::int64_t;
/// US dollars in millionths, so that sums are exact and digests stable.
using MicroUsd = std::int64_t;

/// `amount` per `per`, as in `50/min`.
struct Rate {
  std::int64_t amount = 0;
  Duration per{};

  bool operator==(const Rate&) const = default;
};

/// `1500ms`, `45s`, `2.5m`, `1h`, `1h30m` (units descending, a fraction only in the last); a bare
/// number is refused. Whole microseconds, at most 365 days, never negative.
std::optional<Duration> parse_duration(std::string_view text);
/// `15000`, `12k`, `1.5M`; not negative, at most 10^15.
std::optional<std::int64_t> parse_count(std::string_view text);
/// `50/min`, `40k/min`, `2/s`, `1000/h`, `5M/day`; never zero, which would let nothing through.
std::optional<Rate> parse_rate(std::string_view text);
/// Dollars with at most six places, such as `5.00` (a leading `$` is allowed).
std::optional<MicroUsd> parse_usd(std::string_view text);

/// For people, at most three figures or two units: `12 ms`, `0.4 s`, `45 s`, `2 m 05 s`, `1 h 02
/// m`, `3 d 04 h`.
std::string show_duration(Duration duration);
/// For people: `950`, `12.3k`, `1.2M`.
std::string show_count(std::int64_t count);
/// For people: `$0.0421`, `$5.00`.
std::string show_usd(MicroUsd usd);
/// For plans: the shortest text that `parse_duration` reads back to the same value.
std::string write_duration(Duration duration);
/// RFC 3339 in UTC with milliseconds, for JSON and logs.
std::string show_time(Time time);

/// Seconds as a number, for JSON.
inline double to_seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace interlock
