#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "decide/decision.h"
#include "history/sample.h"

// What attempts that ran beside others had from that.
namespace interlock::decide {

/// How those that ran at once slowed each other: under the keys of `History::slowings`.
std::map<std::string, history::LearnedSlowing> slowings_of(
    const std::vector<history::Sample>& samples, const std::vector<history::Call>& calls);

/// With how many others each attempt in a snapshot overlapped: of the same run, and other tasks.
std::vector<std::size_t> overlaps_of(const std::vector<history::Sample>& samples);

/// Times as they would have been alone: what was waited for quotas and what others slowed is
/// forecast by itself, and would else count twice.
void take_out_the_others(std::vector<history::Sample>& samples,
                         const std::map<std::string, history::LearnedSlowing>& slowings,
                         const SaidSlowings& said);

}  // namespace interlock::decide
