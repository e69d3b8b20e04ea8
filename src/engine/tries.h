#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/change_collector.h"
#include "engine/committer.h"
#include "engine/live_attempts.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Tasks with `tries`: which one counts, and what becomes of the others.
///
///     a try:  AttemptEnded --> TryEnded, good -----(its task begins)--> its task's own changes
///                          |         '--> TryDropped: another was picked
///                          '--> TryEnded: not good, or another was good first
///
/// Its task begins when all of them are over, with the one that was picked: the first that was
/// good, or the judge's. What it did is the task's first attempt. Where none was good that attempt
/// has failed, and is tried again as the task says.
class Tries {
 public:
  Tries(Turn& turn, LiveAttempts& live, ChangeCollector& collector, Committer& committer,
        TaskEndings& tasks);

  /// Picks the first that is good where nobody judges, and ends those that cannot count any more.
  void settle();
  /// Whether the task's next attempt is what one of its tries did.
  bool adopts(TaskId task) const;
  /// `event` begins the task's first attempt; all its tries are over.
  [[nodiscard]] Result<void> adopt(AttemptStarted event);

 private:
  void pick_first_good(TaskId of);
  bool may_be_judged_again(TaskId of) const;
  void end(TaskId task, const std::string& why);
  [[nodiscard]] Result<bool> pick(TaskId of);
  [[nodiscard]] Result<void> take_picked(AttemptStarted event);
  void fail_all(AttemptStarted event);
  std::vector<TaskId> good_of(TaskId of) const;

  Turn& turn_;
  LiveAttempts& live_;
  ChangeCollector& collector_;
  Committer& committer_;
  TaskEndings& tasks_;
  std::vector<TaskId> with_tries_;  ///< In plan order.
};

}  // namespace interlock::engine
