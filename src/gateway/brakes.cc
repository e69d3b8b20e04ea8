#include "gateway/brakes.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::gateway {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);
/// So many bad answers in a row are bad luck; from then on each next call waits longer.
constexpr std::uint32_t kBadLuck = 3;

std::string with_last(std::string why, const std::string& detail) {
  return detail.empty() ? why : why + "; the last one: " + detail;
}

}  // namespace

MicroUsd Brakes::spent_lately(Time now) {
  while (!spent_.empty() && spent_.front().first + kMinute <= now) spent_.pop_front();
  MicroUsd sum = 0;
  for (const auto& [at, usd] : spent_) sum += usd;
  return sum;
}

std::optional<Brakes::Stop> Brakes::stop_for(const Digest& request, Time now) {
  if (bounds_.calls && calls_ >= *bounds_.calls) {
    return Stop{
        fmt::format("it made {} model calls, all that `limits.calls` allows an attempt", calls_),
        {}};
  }
  if (const MicroUsd spent = bounds_.usd_per_minute ? spent_lately(now) : 0;
      bounds_.usd_per_minute && spent >= *bounds_.usd_per_minute) {
    return Stop{fmt::format("it spent {} within a minute, and `limits.usd_per_minute` is {}",
                            show_usd(spent), show_usd(*bounds_.usd_per_minute)),
                {}};
  }
  if (const auto found = seen_.find(request);
      bounds_.repeats && found != seen_.end() && found->second.count >= *bounds_.repeats) {
    return Stop{with_last(fmt::format("the same request was answered {} times, and is not answered "
                                      "again (`limits.repeats`)",
                                      found->second.count),
                          found->second.detail),
                found->second.failure};
  }
  if (bounds_.failures && failed_in_a_row_ >= *bounds_.failures) {
    return Stop{
        with_last(fmt::format("{} model calls in a row had no good answer", failed_in_a_row_),
                  last_.detail),
        last_.failure};
  }
  ++calls_;
  ++seen_[request].count;
  return {};
}

Duration Brakes::pause_for(const Digest& request, Duration first, Duration longest) const {
  const auto found = seen_.find(request);
  const std::uint32_t before =
      bounds_.repeats && found != seen_.end() ? found->second.count - 1 : 0;
  const std::uint32_t unlucky =
      bounds_.failures && failed_in_a_row_ >= kBadLuck ? failed_in_a_row_ - kBadLuck + 1 : 0;
  const std::uint32_t steps = std::max(before, unlucky);
  if (steps == 0) return Duration::zero();
  Duration pause = first;
  for (std::uint32_t i = 1; i < steps && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

void Brakes::note(const Digest& request, const std::optional<agents::Failure>& failure,
                  std::string detail, std::optional<MicroUsd> spent, Time now) {
  if (bounds_.usd_per_minute && spent && *spent > 0) spent_.emplace_back(now, *spent);
  failed_in_a_row_ = failure ? failed_in_a_row_ + 1 : 0;
  Seen& seen = seen_[request];
  seen.failure = last_.failure = failure;
  last_.detail = detail;
  seen.detail = std::move(detail);
}

}  // namespace interlock::gateway
