#pragma once

#include "base/result.h"
#include "engine/conditions.h"
#include "engine/families.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Ends tasks that turn out not to be needed, and expands families, as soon as that is known.
class ConditionSettler {
 public:
  ConditionSettler(Turn& turn, TaskEndings& tasks)
      : turn_(turn), tasks_(tasks), conditions_(turn.plan), families_(turn, tasks) {}

  /// The plan has more tasks than before.
  void grow() { conditions_.grow(turn_.plan); }
  /// All that can be settled. Each may let others be so.
  [[nodiscard]] Result<void> settle();
  /// Whether the task is over by that.
  [[nodiscard]] Result<bool> skip_if_unneeded(TaskId task);

 private:
  /// Whether there is something to judge among the tries of that task.
  bool is_choice(TaskId of) const;

  Turn& turn_;
  TaskEndings& tasks_;
  Conditions conditions_;
  FamilyExpander families_;
};

}  // namespace interlock::engine
