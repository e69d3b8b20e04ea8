#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "footprint/interlocking.h"

namespace interlock::footprint {

/// Finds which of some tasks are ordered before others of them by edges that stand already.
class Implied {
 public:
  explicit Implied(std::size_t tasks) : seen_in_(tasks, 0) {}

  /// Takes out of `tasks` (latest first, each once) those that a path of edges leads from to one
  /// that stays. Looks at a bounded number of edges, so it may leave some in.
  void drop(std::vector<TaskId>& tasks, const Interlocking& graph);

 private:
  std::vector<std::uint32_t> seen_in_;  ///< The search that came by last.
  std::uint32_t search_ = 0;
};

}  // namespace interlock::footprint
