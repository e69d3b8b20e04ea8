#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::plan {

/// What is to stand in a plan document for one task.
struct FootprintEdit {
  Place task;  ///< Where the task begins: `Task::place`.
  std::vector<std::string> reads, writes;
};

/// The document with these lists in the place of the tasks' own, everything else as it was:
/// comments, order, spacing, line ends. Lists that keep all they had are added to as they are
/// written. The outcome is read again and held against what was there: refused, with what to write,
/// where the two would differ in anything else.
Result<std::string> with_footprints(std::string_view document, std::vector<FootprintEdit> edits);

}  // namespace interlock::plan
