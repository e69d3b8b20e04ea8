#pragma once

#include <string>

#include "base/json.h"

namespace interlock::gateway {

/// Where two documents differ first, in the order of `recorded`, for people:
/// `$.messages[2].content: recorded "a", now "b"`. Empty when they are equal.
std::string first_difference(const json::value& recorded, const json::value& now);

}  // namespace interlock::gateway
