#pragma once

#include "decide/decision.h"

namespace interlock::decide {

/// Whether at least two tasks could overlap as far as needs, conflicts and unknown footprints go.
/// `joined`: tasks that write files which merge drivers join: they may overlap, and are not
/// independent by that.
Test independent_test(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                      const std::vector<TaskId>& joined, Duration quota);

/// Whether the outputs of at least two tasks can be joined for less than overlapping saves.
Test mergeable_test(const plan::Plan& plan, const std::vector<Verdict>& verdicts,
                    const Forecast& overlapped);

/// Whether overlapping saves enough.
Test worthwhile_test(const Saving& saving, Duration min_saving);

}  // namespace interlock::decide
