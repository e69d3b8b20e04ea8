#pragma once

#include <string>
#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// Whether what the task does is caught in a picture of its own, so that a conflict is found when
/// its changes are committed.
bool is_caught(const plan::Task& task);

/// Whether the task works in the workspace itself while others have pictures of it. A picture must
/// not change under its owner, so such a task runs alone.
bool works_among_pictures(const plan::Plan& plan, const plan::Task& task);

/// Which conflicts are not waited for.
///
/// - With `--pattern parallel` or `queue`: those of all tasks with pictures; the price is accepted.
/// - With `limits.speculate`: those of tasks whose footprint is unknown or vague (a pattern with
///   wildcards meets another), one after the other in plan order, while what is saved if nothing
///   comes in between is worth more than what is wasted if something does:
///   `(1 - p) * time >= p * time`, and the waste of all together, `sum of p * tokens` (or dollars),
///   stays within the budget. `p` comes from history, else it is `kPriorConflict`.
/// - Needs and locks are always waited for.
Lifting lift(const plan::Plan& plan, const footprint::Interlocking& interlocking,
             const std::vector<Expected>& expected, const Wish& wish);

/// What they were priced at, a line each, and what was not taken up, with the reason.
std::vector<std::string> say_lifting(const plan::Plan& plan, const Lifting& lifting);

}  // namespace interlock::decide
