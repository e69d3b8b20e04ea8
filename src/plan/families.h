#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::plan {

/// What the output of its producer says the family stands for, each as JSON. An error says why it
/// is no list, or that it is too long.
Result<std::vector<std::string>> items_of(const Plan& plan, const Family& family,
                                          const std::string& output);

}  // namespace interlock::plan
