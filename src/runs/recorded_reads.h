#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/board_posts.h"
#include "journal/store.h"

namespace interlock::runs {

/// What the attempts of a run that counted were shown of live topics, for another run that replays
/// it. Empty where its plan has none.
Result<std::vector<engine::RecordedReads>> recorded_reads(journal::Store& store,
                                                          const std::string& run);

}  // namespace interlock::runs
