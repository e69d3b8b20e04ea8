#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/cache_key.h"
#include "engine/task_endings.h"
#include "engine/trace.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Takes a task's result from an earlier run, where running it again would give the same.
class ResultReuse {
 public:
  ResultReuse(Turn& turn, TaskEndings& tasks) : turn_(turn), tasks_(tasks), files_(tasks.files()) {}

  /// Whether nothing of the task is to be started now: its result was taken, or a signal broke the
  /// look at it off. Why it was not, where more than its parts of the cache key decided that, goes
  /// to `difference`. Where files are being hashed for it (`HashedFiles::is_asking`) nothing is
  /// said yet, and it is to be asked again.
  [[nodiscard]] Result<bool> take(TaskId task, const std::vector<CacheKeyPart>& cache_key_parts,
                                  const Digest& key, std::string& difference);

  /// The result that may be taken, if any; the look at it may be broken off by a signal.
  [[nodiscard]] Result<std::optional<StoredResult>> find(
      TaskId task, const std::vector<CacheKeyPart>& cache_key_parts, const Digest& key,
      std::string& difference);

 private:
  Result<std::string> difference_from(const Trace& trace);
  bool may_be_changed_before(TaskId task, const Trace& trace) const;
  bool may_be_changed_before(TaskId task) const;
  bool is_speculative(TaskId task) const;
  std::string why_done_anew(TaskId task) const;

  Turn& turn_;
  TaskEndings& tasks_;
  HashedFiles& files_;
};

}  // namespace interlock::engine
