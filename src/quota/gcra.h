#pragma once

#include <cstdint>

#include "base/units.h"

// The arithmetic of one bucket (generic cell rate algorithm, ITU-T I.371 annex A). Times in ns.
// Pure.
namespace interlock::quota {

/// ns a unit, 48.16 fixed point, rounded up so that no rate is passed; 0 for a rate of nothing.
std::int64_t interval_of(const Rate& rate);
/// The rate again: a minute's, or of a longer time when a minute has less than ten of it.
Rate rate_of(std::int64_t interval);
/// How long the rate takes to earn `amount`; at most ten years.
std::int64_t cost_of(std::int64_t amount, std::int64_t interval);

/// For a provider that counts strict windows: the interval with which no window of that length has
/// more than the rate allows, whenever it begins. A bucket lets `window + burst` worth of its
/// interval through in a window, and no more, so that is what the rate's amount is spread over.
/// Rounded up.
std::int64_t widened(std::int64_t interval, std::int64_t window, std::int64_t burst);

/// When `cost` fits into a bucket that is full at `arrival` and holds `burst`. What is larger than
/// the burst waits for a full bucket; where windows are counted, until the bucket has been full for
/// as long as what is above the burst takes, so that it too keeps within the window.
inline std::int64_t fits_at(std::int64_t arrival, std::int64_t cost, std::int64_t burst,
                            bool counts_windows = false) {
  return cost > burst && !counts_windows ? arrival : arrival + cost - burst;
}

}  // namespace interlock::quota
