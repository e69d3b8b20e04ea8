#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "footprint/interlocking.h"
#include "plan/plan.h"

namespace interlock::decide {

/// What the plan's merge drivers leave of the conflicts on files. Of two tasks with snapshots that
/// both write a file of a driver's, neither has to wait for the other: when they commit, the two
/// versions are joined, in plan order. Who only reads such a file waits for who writes it as ever.
///
/// Of a task, those of its `writes` count of which every path is some driver's; it may read these
/// as well. What cannot be decided on the patterns is waited for.
class MergeDrivers {
 public:
  /// `plan` must outlive it.
  explicit MergeDrivers(const plan::Plan& plan);

  /// Whether they make any difference to what may be waited for.
  bool any() const { return !tasks_.empty(); }
  /// What the task touches beside what it writes for drivers; null: all of its footprint.
  const footprint::Footprint* rest_of(TaskId task) const;
  /// Whether two tasks conflict on more than what drivers join.
  bool leave_conflict(TaskId one, TaskId other) const;
  /// Edges of tasks that are not `lifted` which are missing where they claim no more than the rest:
  /// one writes for a driver what the other touches in another way.
  std::vector<footprint::Edge> edges_left(const std::vector<bool>& lifted) const;

 private:
  struct Split {
    footprint::PatternSet joined;  ///< Of its writes.
    footprint::Footprint rest;
  };

  const footprint::Footprint& rest_or_all(TaskId task) const;
  void add_edges_between(TaskId before, TaskId after, std::vector<footprint::Edge>& edges) const;

  const plan::Plan& plan_;
  std::map<TaskId, Split> tasks_;
};

}  // namespace interlock::decide
