#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/evidence.h"
#include "engine/hashed_files.h"
#include "engine/merges.h"
#include "engine/turn.h"

namespace interlock::engine {

/// How tasks end: done, failed for good, skipped; or not yet, as they are done again. What follows
/// for the run and its merges is recorded with it.
class TaskEndings {
 public:
  explicit TaskEndings(Turn& turn, FileHasher* hasher = nullptr)
      : turn_(turn), merges_(turn), files_(turn, hasher) {}

  Merges& merges() { return merges_; }
  /// Of those that begin, and what those that are done wrote.
  HashedFiles& files() { return files_; }

  /// Its work is accepted: done at once, or as soon as its changes are committed.
  [[nodiscard]] Result<void> settle_work(TaskId task);
  /// Its changes are complete, and wait for their turn.
  void wait_for_turn(TaskId task);
  /// `wrote`: of what it wrote, where that is known already.
  [[nodiscard]] Result<void> set_done(TaskId task, std::optional<Digest> wrote = {},
                                      Evidence evidence = {});
  /// Nothing of it is to be done, for a result of before is still true.
  [[nodiscard]] Result<void> set_reused(TaskId task, StoredResult result);
  /// It is not run, though nothing it needs has failed.
  [[nodiscard]] Result<void> skip_unneeded(TaskId task, std::string why);
  void fail_for_good(TaskId task, Outcome outcome, const std::string& detail);
  /// Those that need what has failed.
  void skip_unreachable();
  /// Again, at once and at no cost: what ended it was not its own.
  void requeue(TaskId task);

 private:
  Turn& turn_;
  Merges merges_;
  HashedFiles files_;
};

}  // namespace interlock::engine
