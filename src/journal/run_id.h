#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace interlock::journal {

/// `r-20261123-7f3a`: the day (UTC), so that ids sort by age, and four digits to tell the day's
/// runs apart.
std::string make_run_id(Time created, std::uint16_t random);

/// The one of `ids` (newest first) that a person means by `name`: all of it, its beginning, or its
/// last part (`7f3a`) or the beginning of that; empty or `last` is the newest. The error lists what
/// `name` could have meant.
Result<std::string> choose_run(std::string_view name, std::span<const std::string> ids);

}  // namespace interlock::journal
