#pragma once

#include <string>
#include <vector>

#include "report/plan_view.h"

namespace interlock::report {

/// A row for each way to run the plan: what it takes if the estimates come true, what it takes at
/// most in half and in nine of ten cases, its tokens with the tax's part, its cost. Columns that
/// the screen has no room for are left out, the last first. `others`: also what one agent for all
/// and a batch at the provider would take, where there is room for what they cost.
std::vector<std::string> draw_table(const std::vector<decide::Expected>& expected,
                                    const decide::Decision& decision, const PlanScreen& screen,
                                    bool others);

}  // namespace interlock::report
