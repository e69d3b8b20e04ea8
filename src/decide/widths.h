#pragma once

#include "decide/forecast.h"

namespace interlock::decide {

/// How many at once, in what order, and what that takes.
struct Width {
  std::uint32_t n = 1;  ///< Slots.
  Forecast forecast;
  Priorities priorities;
  Narrower narrower;  ///< Than the cap, and why.
  Forecast at_cap;    ///< What all slots of the cap would take, at its best.
};

/// Chooses how many at once.
///
/// Slots are free, so it is all of the cap, unless something prices them: where tasks slow each
/// other or `meet` and are done again, the width with the least expected time (the widest within
/// one percent of it); where quotas bind, the fewest that are expected to be as fast. `more()`
/// bounds the search for better orders, which is made for every width still in the running before
/// one is chosen.
Width choose_width(const plan::Plan& plan, const Forecaster& forecaster, std::uint32_t cap,
                   bool may_be_narrower, bool meet, const std::function<bool()>& more);

/// What the draws say of the width with the least expected time, by critical path.
Range least_range(const Forecaster& forecaster, std::uint32_t cap);

}  // namespace interlock::decide
