#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/cache_key.h"
#include "engine/condition_settler.h"
#include "engine/live_attempts.h"
#include "engine/result_reuse.h"
#include "engine/task_endings.h"
#include "engine/tries.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Starts what the scheduler says may start: alone or several tasks in one attempt, unless its
/// result is there already. Where files have to be hashed to know that, nothing starts before they
/// are, so that tasks start in the order and upon the files that they would without.
class Starter {
 public:
  Starter(Turn& turn, LiveAttempts& live, TaskEndings& tasks, ConditionSettler& conditions,
          ChangeCollector& collector, Committer& committer);

  [[nodiscard]] Result<void> start_what_may();
  /// Whose task it starts by what the picked one did.
  Tries& tries() { return tries_; }

 private:
  [[nodiscard]] Result<void> start(TaskId task);
  [[nodiscard]] Result<bool> is_needless(TaskId task);
  AttemptStarted started_event(TaskId task, std::vector<CacheKeyPart> cache_key_parts,
                               const Digest& key, const std::string& difference,
                               std::uint32_t lane) const;
  void look_ahead(TaskId from);
  std::vector<TaskId> new_in_batch_of(TaskId task) const;
  [[nodiscard]] Result<bool> asks_for_mates_of(TaskId task);
  std::vector<TaskId> mates_of(TaskId task) const;
  [[nodiscard]] Result<void> share_attempt(Attempt& live, std::vector<TaskId> mates);

  Turn& turn_;
  LiveAttempts& live_;
  TaskEndings& tasks_;
  ConditionSettler& conditions_;
  Tries tries_;
  HashedFiles& files_;
  std::size_t ahead_ = 1;  ///< Of so many tasks results are looked for together.
  ResultReuse reuse_;
  std::map<TaskId, std::size_t> batch_of_;  ///< Of `Setup::batches`.
};

}  // namespace interlock::engine
