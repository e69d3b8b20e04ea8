#pragma once

#include <cstdint>

#include "base/gcra.h"
#include "base/units.h"

// Rates as numbers that processes can share: `base/gcra.h` counts by them. Times in ns. Pure.
namespace interlock::quota {

/// ns a unit, 48.16 fixed point, rounded up so that no rate is passed; 0 for a rate of nothing.
std::int64_t interval_of(const Rate& rate);
/// The rate again: a minute's, or of a longer time when a minute has less than ten of it.
Rate rate_of(std::int64_t interval);
/// How long the rate takes to earn `amount`; at most ten years.
std::int64_t cost_of(std::int64_t amount, std::int64_t interval);

/// For a provider that counts strict windows (`widened_for`); without a window, the interval.
std::int64_t widened(std::int64_t interval, std::int64_t window, std::int64_t burst);

}  // namespace interlock::quota
