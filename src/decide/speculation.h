#pragma once

#include <string>
#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// Whether what the task does is caught in a snapshot of its own, so that a conflict is found when
/// its changes are committed.
bool is_caught(const plan::Task& task);

/// Whether the task works in the workspace itself while others have snapshots of it. A snapshot
/// must not change under its owner, so such a task runs alone.
bool works_among_snapshots(const plan::Plan& plan, const plan::Task& task);

/// Whether a task of the plan could start beside what it might meet.
bool may_speculate(const plan::Plan& plan, const footprint::Interlocking& interlocking);

/// Who may start beside what it might meet.
enum class SpeculationScope : unsigned char {
  none,
  stated,  ///< Tasks of which the plan says how often they conflict (`estimate.conflicts`).
  all,     ///< Those of which it does not say it too.
};

/// Which conflicts are not waited for, and how likely each comes true.
///
/// - With `--pattern parallel` or `queue`: those of all tasks with snapshots; the price is
/// accepted.
/// - With speculation: those of tasks whose footprint is unknown or vague (a pattern with wildcards
///   meets another), one after the other in plan order, while the waste of all together,
///   `sum of p * tokens` (or dollars), stays within the budget, and where `p` is at most
///   `most_odds`, unless nobody knows it. `p` comes from how many might be met, at the
///   odds of two that the plan or history knows, else at `kPriorConflict`; `most_odds` holds for
///   two.
/// - Needs and locks are always waited for.
Speculation lift(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                 const std::vector<Expected>& expected, const Options& options,
                 SpeculationScope scope, double most_odds = 1);

/// What is waited for where those tasks do not wait for what they might meet, and nobody does for
/// what the plan's merge drivers join.
footprint::Interlocking waits_without(const plan::Plan& plan, const std::vector<bool>& lifted);

/// Likewise, or `interlocking` itself where that is the same.
footprint::Interlocking waits_of(const plan::Plan& plan,
                                 const footprint::Interlocking& interlocking,
                                 const std::vector<bool>& lifted);

/// What they are expected to cost, a line each, and what was not taken up, with the reason.
std::vector<std::string> say_speculation(const plan::Plan& plan, const Speculation& speculation,
                                         const Range& range);
/// `, 12k tokens wasted`
std::string say_waste(const Range& range);

}  // namespace interlock::decide
