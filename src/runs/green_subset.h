#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.h"

namespace interlock::runs {

/// Which of some changes, in the order in which they were made, pass a check together.
struct GreenSubset {
  std::vector<bool> taken;       ///< Of each change. A state that passed, unless `base_is_red`.
  std::vector<std::size_t> red;  ///< With each of these upon what was taken before it, it failed.
  /// Left out because they stand on a red one, or could not be tried any more.
  std::vector<std::size_t> untried;
  std::size_t checks = 0;
  bool base_is_red = false;  ///< It fails without any of them: nothing is said of them.
};

/// Whether what is there passes with these changes. An error ends the search.
using SubsetCheck = std::function<Result<bool>(const std::vector<bool>& taken)>;

/// All of them, if they pass. Else the first red one is found by bisection and left out with all
/// that stand on it, and so on: about log2(n) + 1 checks for each. As large as it can be in that
/// each red change alone makes the ones taken before it fail; another choice could be larger where
/// changes fail only together.
///
/// `stands_on[i]`: earlier changes without which `i` cannot be. No more than `most_checks`, at
/// least 2: what was not tried by then is left out, but for what is known to be green.
Result<GreenSubset> green_subset(const std::vector<std::vector<std::size_t>>& stands_on,
                                 std::size_t most_checks, const SubsetCheck& passes);

}  // namespace interlock::runs
