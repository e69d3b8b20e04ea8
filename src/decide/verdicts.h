#pragma once

#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// Whether nothing is known of what the task touches, and nothing would catch it.
bool touches_the_unknown(const plan::Task& task);

/// Which tasks may not overlap with others, on their own account: those that may touch anything,
/// and those whose output nobody could join with that of others.
std::vector<Verdict> verdicts_of(const plan::Plan& plan);

/// The verdicts that no wish overrides: those for tasks that may touch anything, and for those that
/// would change the workspace under others' pictures.
std::vector<Verdict> unknown_only(const plan::Plan& plan, std::vector<Verdict> verdicts);

}  // namespace interlock::decide
