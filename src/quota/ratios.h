#pragma once

#include <optional>
#include <string_view>

#include "quota/layout.h"

namespace interlock::quota {

/// Mean plus mean deviation, both moving averages (as RFC 6298 does for round trips); nothing
/// before the first.
std::optional<double> ratio_of(Layout& layout, std::string_view model);
void learn_ratio(Layout& layout, std::string_view model, double ratio);

}  // namespace interlock::quota
