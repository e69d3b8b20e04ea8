#pragma once

#include <vector>

#include "base/json.h"
#include "decide/decision.h"
#include "runs/decision_record.h"

namespace interlock::report {

/// The ways to run a plan, for who draws them: `name`, `n`, `elapsed_ms`, `p50_ms`, `p90_ms`,
/// `tokens`, `cost_usd`, `chosen`. What is not known is null.
json::array ways_json(const runs::DecisionRecord& record);

/// By way, in the same order: when each task would run, `[from, to, from, to, ...]` in plan order
/// and milliseconds; -1 for one that is not in it.
json::array bars_json(const runs::DecisionRecord& record, const decide::Decision& decision,
                      const std::vector<decide::Expected>& expected);

}  // namespace interlock::report
