#pragma once

#include <string>

#include "gateway/admission.h"
#include "metering/model_call.h"

namespace interlock::gateway {

/// Where a provider's headers say another limit than the plan does, with both numbers; empty:
/// nowhere. Less than a hundredth is rounding.
std::string contradiction_in(const QuotaOption& quota, const metering::LimitNews& news);

}  // namespace interlock::gateway
