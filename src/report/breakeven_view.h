#pragma once

#include <string>

#include "base/json.h"
#include "decide/breakeven.h"
#include "report/plan_view.h"

namespace interlock::report {

/// One sentence, then a table over the number of tasks, a chart, and what moves the answer most.
std::string render_breakeven(const decide::Breakeven& it, const PlanScreen& screen);
/// The same for programs; `version` 1.
json::value breakeven_json(const decide::Breakeven& it);
/// The chart as a drawing of its own.
std::string breakeven_svg(const decide::Breakeven& it);

}  // namespace interlock::report
