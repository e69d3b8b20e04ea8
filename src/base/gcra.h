#pragma once

#include <cstdint>

// The arithmetic of one bucket: the generic cell rate algorithm (ITU-T I.371 annex A), which keeps
// of a bucket only when it will be full, its theoretical arrival time. The scheduler counts
// microseconds by it, the accounts that processes share nanoseconds; both may be plain numbers or
// std::chrono's. Pure.
namespace interlock {

/// When what takes `cost` to earn fits into a bucket that is full at `arrival` and holds `burst`.
/// What is larger than the burst waits for a full bucket; where windows are counted, until the
/// bucket has been full for as long as what is above the burst takes, so that it too keeps within
/// the window.
template <typename Moment, typename Length>
constexpr Moment fits_at(Moment arrival, Length cost, Length burst, bool counts_windows = false) {
  return cost > burst && !counts_windows ? arrival : arrival + (cost - burst);
}

/// For a provider that counts strict windows: the time to earn something, so lengthened that no
/// window has more than the rate allows, whenever it begins. A bucket lets `window + burst` worth
/// of its time through in a window, and no more, so that is what the rate's amount is spread over.
/// Rounded up; all in one unit, `window` above nothing.
template <typename Wide>
constexpr Wide widened_for(Wide time, std::int64_t window, std::int64_t burst) {
  return (time * (Wide(window) + burst) + window - 1) / window;
}

}  // namespace interlock
