#pragma once

#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// Whether nothing is known of what the task touches, and nothing would catch it.
bool touches_the_unknown(const plan::Task& task);

/// Which tasks may not overlap with others whatever it would save: those that may touch anything,
/// and those that would change the workspace under others' snapshots. And what it costs to join the
/// outputs of those that may:
///
/// - nothing where the output is an exit status, has a schema, is joined by a merge or is given to
///   another task, or where nobody consumes it and the task's product is the files it writes;
/// - what the plan says in `join`, else `kPriorJoin`.
std::vector<Verdict> verdicts_of(const plan::Plan& plan);

/// Whose outputs, of those that somebody has to join, a person has before them at the gate before
/// this task: those it needs.
std::vector<TaskId> loose_outputs_before(const plan::Plan& plan,
                                         const std::vector<Verdict>& verdicts, TaskId task);

/// Joining as long as history knows it took, where the plan does not say; without what is counted
/// already as a person's answer at a gate where the output is seen.
void price_joining(const plan::Plan& plan, const std::vector<Expected>& expected,
                   std::vector<Verdict>& verdicts);

/// The same where tasks whose outputs would have to be joined run alone: all of them, or those that
/// take no longer than joining does.
std::vector<Verdict> keep_exclusive(const plan::Plan& plan, const std::vector<Expected>& expected,
                                    std::vector<Verdict> verdicts, bool all);

}  // namespace interlock::decide
