#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json_stream.h"
#include "decide/decision.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"

namespace interlock::report {

struct PlanScreen {
  std::size_t columns = 80;
  bool color = false;
  bool unicode = true;
  bool full = false;  ///< Everything, however long; else what fits `lines`.
  std::size_t lines = 24;
};

/// What `interlock plan` shows. It ends with the decision: the way that is taken with its reasons,
/// and the three tests. Before that, as bars, the way that is taken, and what each way would take.
///
/// `full` adds the other ways as bars on the same scale (side by side on wide screens), the
/// arithmetic, who waits for whom, what would have to change, warnings and notes.
std::string render_plan(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const std::vector<decide::Expected>& expected,
                        const decide::Decision& decision, const PlanScreen& screen);

/// The same for programs; `version` 1. What is not known is null. `out` gets it in pieces: the
/// answer to a plan of a million tasks is a gigabyte.
void write_plan_json(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                     const std::vector<decide::Expected>& expected,
                     const decide::Decision& decision, ObjectStream::Out out);

}  // namespace interlock::report
