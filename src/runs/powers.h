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

}  // namespace interlock::runs
