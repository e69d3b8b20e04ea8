#pragma once

#include <optional>
#include <vector>

// How what a task takes grows with the size of what it is given. Pure.
namespace interlock::history {

struct Sized {
  double size = 0;
  double value = 0;
};

/// `value` at a size is `base` * size ^ `power`, from sizes that were seen.
struct Growth {
  double base = 0;
  double power = 0;
  double least = 0, most = 0;  ///< Sizes.

  /// Beyond the sizes that were seen as at the nearest of them.
  double at(double size) const;
};

/// From eight on, where sizes differ by more than a factor of three: the median of the slopes
/// between any two, in logarithms (Theil 1950, Sen 1968), from 0 to 1. Kept where that leaves a
/// fifth less of the deviations than one value for all does. What is zero or less is passed over.
std::optional<Growth> learn_growth(std::vector<Sized> seen);

}  // namespace interlock::history
