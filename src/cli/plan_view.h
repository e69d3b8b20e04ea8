#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "decide/decision.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"

namespace interlock::cli {

struct PlanScreen {
  std::size_t columns = 80;
  bool color = false;
  bool unicode = true;
};

/// What `interlock plan` shows: the three ways to run the plan on one time scale, what each costs,
/// and the decision with everything it rests on. Wide screens have the ways side by side, narrow
/// ones one below the other.
std::string render_plan(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const std::vector<decide::Expected>& expected,
                        const decide::Decision& decision, const PlanScreen& screen);

/// The same for programs; `version` 1. What is not known is null.
json::value plan_json(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                      const std::vector<decide::Expected>& expected,
                      const decide::Decision& decision);

}  // namespace interlock::cli
