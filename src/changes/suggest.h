#pragma once

#include <string>
#include <vector>

namespace interlock::changes {

/// Patterns for a plan that match all these paths and, where there are many, not much more: a path
/// alone stands for itself; many in one folder become `folder/*.ext` or `folder/*`; where there are
/// still more than `most`, whole folders (`folder/**`), the deepest first. Sorted.
std::vector<std::string> patterns_for(const std::vector<std::string>& paths,
                                      std::size_t most = 12);

}  // namespace interlock::changes
