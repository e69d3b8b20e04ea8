#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/live_attempts.h"
#include "engine/turn.h"

namespace interlock::engine {

/// The snapshots that are open now.
class OpenSnapshots {
 public:
  explicit OpenSnapshots(Turn& turn) : turn_(turn) {}

  bool empty() const { return open_.empty(); }
  bool contains(AttemptName name) const { return open_.contains(name); }
  /// It is about to be opened.
  void add(AttemptName name) { open_.insert(name); }
  /// Its changes were taken: nothing runs upon it any more, and the port keeps it.
  void harvested(AttemptName name) { open_.erase(name); }
  /// Nothing of it is wanted any more.
  void close(AttemptName name);

  /// The attempt of a batch is over, and what its tasks read is still to be held against it.
  void keep_for_batch(AttemptName name) { of_batches_.insert(name); }
  /// Closes those of batches that no task is held against any more.
  void close_those_of_batches(const LiveAttempts& live);

 private:
  Turn& turn_;
  std::set<AttemptName> open_, of_batches_;
};

/// Brings what is committed into the workspace, at moments when no snapshot stands on it.
///
///     idle --(checkpoint)--> done, and not yet an event --(note, in the next turn)--> idle
///
/// What came of it is an event of the next turn, as it is done when this one's are durable.
class Checkpoints {
 public:
  Checkpoints(Turn& turn, const OpenSnapshots& snapshots) : turn_(turn), snapshots_(snapshots) {}

  /// Takes up what a dispatcher before left: what was committed and what waits, as far as it is
  /// whole. What is not is done again. One that died may have begun a checkpoint: that is finished
  /// before anything looks at the workspace.
  [[nodiscard]] Result<void> recover();
  /// Makes one, where that is due and possible.
  void make();
  /// Records what the last one came to.
  [[nodiscard]] Result<void> note();
  /// One was made of which there is no event yet.
  bool is_unnoted() const { return made_.has_value(); }
  /// What somebody else changed stands in the way of it: nothing may start upon that.
  bool is_in_the_way() const { return made_ && (!*made_ || !(*made_)->empty()); }
  /// Whether it is `resume` that brings in what was committed: a signal came, and that takes long.
  bool is_left_for_resume() const {
    return turn_.interrupts > 1 || (turn_.interrupts == 1 && broken_off_);
  }

 private:
  Result<std::vector<AttemptName>> recover_kept();
  void give_up_lost(const std::vector<AttemptName>& lost);

  Turn& turn_;
  const OpenSnapshots& snapshots_;
  std::optional<Result<std::vector<std::string>>> made_;
  std::uint32_t commits_then_ = 0;  ///< In the workspace, if `made_` went well.
  bool broken_off_ = false;
};

}  // namespace interlock::engine
