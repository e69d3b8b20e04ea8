#pragma once

#include <string>
#include <vector>

#include "cli/plan_view.h"

namespace interlock::cli {

/// A row for each way to run the plan: what it takes if the estimates come true, what it takes at
/// most in half and in nine of ten cases, its tokens with the tax's part, its cost. Columns that
/// the screen has no room for are left out, the last first.
std::vector<std::string> draw_table(const std::vector<decide::Expected>& expected,
                                    const decide::Decision& decision, const PlanScreen& screen);

}  // namespace interlock::cli
