#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"

namespace interlock::runs {

/// What the plan's agents may do without asking anybody, and what holds them: a line for each
/// client and isolation. Commands are the person's own programs, of whom nothing is said.
struct PowersSaid {
  std::vector<std::string> notes;
  std::vector<std::string> warnings;  ///< Unchecked, with nothing to hold them.
};
PowersSaid say_powers(const plan::Plan& plan);

/// Agents' tasks in places where an ordinary user can give attempts no mounts of their own: their
/// folders have another path in each prompt, and prompts that differ early share no cache. A line
/// for each client and isolation of two tasks or more; as root none.
std::vector<std::string> say_unshared_prompts(const plan::Plan& plan, bool as_root);

}  // namespace interlock::runs
