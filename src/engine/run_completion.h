#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/checkpoints.h"
#include "engine/live_attempts.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Says when a run is over, and how it ended.
class RunCompletion {
 public:
  RunCompletion(Turn& turn, const LiveAttempts& live, const Checkpoints& checkpoints,
                TaskEndings& tasks)
      : turn_(turn), live_(live), checkpoints_(checkpoints), tasks_(tasks) {}

  /// Records its end, if nothing runs and nothing can start any more. An error of kind `internal`:
  /// tasks wait for nothing at all.
  [[nodiscard]] Result<void> finish_if_idle();

 private:
  bool stands() const;
  bool is_blocked() const;
  std::optional<RunEnded::How> how_it_was_stopped() const;
  [[nodiscard]] Result<void> finish_all_ended();
  void finish(RunEnded::How how);
  std::string stuck() const;

  Turn& turn_;
  const LiveAttempts& live_;
  const Checkpoints& checkpoints_;
  TaskEndings& tasks_;
};

}  // namespace interlock::engine
