#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/decision.h"
#include "plan/plan.h"

namespace interlock::report {

/// `Times: 3 from history of 5 to 20 attempts, 2 from the plan, 1 assumed`; nothing where history
/// has no part in it.
std::optional<std::string> say_sources(const std::vector<decide::Expected>& expected);

/// Whether any number is from history.
bool any_from_history(const std::vector<decide::Expected>& expected);

/// A line a task: its numbers, each with where it comes from; the first `most` tasks.
std::vector<std::string> list_sources(const plan::Plan& plan,
                                      const std::vector<decide::Expected>& expected,
                                      std::size_t most);

}  // namespace interlock::report
