#pragma once

#include <string>
#include <vector>

#include "decide/decision.h"
#include "history/sample.h"

namespace interlock::decide {

/// What measurements say of the tasks of one workspace, and of agents anywhere.
///
/// - Times, tokens and costs are robust estimates (history/estimate.h) of attempts that succeeded,
///   decayed by age. A task's are drawn towards those of its `foreach`, else of its agent where
///   that did three other tasks, as far as they are uncertain. Times are without what was waited
///   for quotas, and without what others slowed where that was learned: forecasts add both.
/// - Failures are those of all attempts that succeeded or failed by themselves.
/// - `said`: what the plan itself says of slowing; it goes before what would be learned.
/// - Samples that cannot be (`history::fault_of`) are left out.
History learn(const std::vector<history::Sample>& samples, const std::vector<history::Call>& calls,
              const std::string& workspace, const SaidSlowings& said = {});

/// What the tasks of one `foreach` have in common: the id with `*` for what comes from the item;
/// the id itself of other tasks.
std::string shape_of(const plan::Task& task);

/// Gives the plan what it does not say and history knows: how agents' tasks slow each other, and
/// how long a person takes at a gate. `keys` by agent: of `History::slowings`; empty: none. What
/// was taken, by the agent's name.
std::map<std::string, LearnedFrom> fill_from_history(plan::Plan& plan, const History& history,
                                                     const std::vector<std::string>& keys);

/// Gives tasks without a `timeout` of their own one that history makes of it: ten times what nine
/// in ten attempts took, at least two minutes, where at least five succeeded. Says which, for
/// people.
std::vector<std::string> time_out_from_history(plan::Plan& plan, const History& history);

}  // namespace interlock::decide
