#include "quota/gcra.h"

#include <algorithm>
#include <limits>

namespace interlock::quota {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kFraction = 1 << 16;
constexpr std::int64_t kCostMax = std::int64_t{10} * 365 * 24 * 3600 * 1'000'000'000;

}  // namespace

std::int64_t interval_of(const Rate& rate) {
  if (rate.amount <= 0 || rate.per.count() <= 0) return 0;
  const Wide whole = static_cast<Wide>(rate.per.count()) * 1000 * kFraction;
  const Wide interval = (whole + rate.amount - 1) / rate.amount;
  return static_cast<std::int64_t>(
      std::min<Wide>(interval, std::numeric_limits<std::int64_t>::max()));
}

Rate rate_of(std::int64_t interval) {
  using namespace std::chrono;
  if (interval <= 0) return {};
  Rate rate;
  for (const Duration per : {Duration(minutes(1)), Duration(hours(1)), Duration(days(1))}) {
    const Wide whole = static_cast<Wide>(per.count()) * 1000 * kFraction;
    rate = {static_cast<std::int64_t>((whole + interval / 2) / interval), per};
    if (rate.amount >= 10) break;
  }
  return rate;
}

std::int64_t cost_of(std::int64_t amount, std::int64_t interval) {
  if (amount <= 0 || interval <= 0) return 0;
  const Wide cost = (static_cast<Wide>(amount) * interval + kFraction - 1) / kFraction;
  return static_cast<std::int64_t>(std::min<Wide>(cost, kCostMax));
}

std::int64_t widened(std::int64_t interval, std::int64_t window, std::int64_t burst) {
  if (interval <= 0 || window <= 0) return interval;
  return static_cast<std::int64_t>(
      std::min<Wide>(widened_for(static_cast<Wide>(interval), window, burst),
                     std::numeric_limits<std::int64_t>::max()));
}

}  // namespace interlock::quota
