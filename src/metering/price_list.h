#pragma once

#include <string_view>

namespace interlock::metering {

/// The text of `src/metering/prices.json`, which the build puts into the program.
std::string_view price_list();

}  // namespace interlock::metering
