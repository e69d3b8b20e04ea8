#pragma once

#include "base/json.h"

namespace interlock::schema {

/// Whether the value is a number without a fraction: `2` and `2.0` alike.
bool is_integer(const json::value& value);

/// <0, 0 or >0 as `a` is less than, equal to or greater than `b`; both are numbers. Exact.
int compare_numbers(const json::value& a, const json::value& b);

/// Whether `value` is a whole number of times `step` (above zero), reckoned in decimal as the
/// numbers are written, so that 0.3 is a multiple of 0.1.
bool is_multiple(const json::value& value, const json::value& step);

}  // namespace interlock::schema
