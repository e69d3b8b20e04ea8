#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "journal/store.h"
#include "runs/planning.h"

namespace interlock::runs {

/// What a forecast is to take otherwise than the run did.
struct AsIf {
  std::optional<std::uint32_t> parallel;  ///< Attempts at once, at most; nothing: as the run's.
  decide::Conditions conditions;
  Duration effort = std::chrono::milliseconds(50);  ///< How long to improve the order.
};

/// The run's plan, tasks that were added to it included, decided anew by the code that decides
/// plans, with what history knows today and quotas that nobody used yet. `run`: a whole id.
Result<Planned> plan_as_if(journal::Store& store, const std::string& run, const AsIf& as_if);

}  // namespace interlock::runs
