#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Joins outputs as soon as all that a merge is made of is there.
class Merges {
 public:
  explicit Merges(Turn& turn);

  /// The plan has more tasks than before.
  void grow() { merges_of_.resize(turn_.plan.tasks.size()); }
  /// Makes the merges for which this task, which is over, was the last that was missing.
  [[nodiscard]] Result<void> make_with(TaskId task);
  /// Nothing runs any more: those that were not made have failed, and it is said for want of what.
  [[nodiscard]] Result<void> fail_missing();

 private:
  [[nodiscard]] Result<void> make(std::uint32_t merge);

  Turn& turn_;
  std::vector<std::vector<std::uint32_t>> merges_of_;  ///< By task.
};

}  // namespace interlock::engine
