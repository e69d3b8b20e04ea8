#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/attempt.h"
#include "engine/checkpoints.h"
#include "engine/judge.h"
#include "engine/live_attempts.h"
#include "engine/turn.h"
#include "engine/waiting_changes.h"

namespace interlock::engine {

/// What attempts changed: taken from their snapshots, held against what they were allowed, and kept
/// in the journal as texts.
class ChangeCollector {
 public:
  ChangeCollector(Turn& turn, const LiveAttempts& live, OpenSnapshots& snapshots)
      : turn_(turn), live_(live), snapshots_(snapshots) {}

  /// Of work that is over: what it did with files, as far as that was seen, held against what it
  /// was allowed. `observed`: none, where nothing was to be seen.
  Judgement judge_observed(Attempt& live, const std::optional<Observed>& observed,
                           Judgement judgement);
  /// Whether its changes are to be taken: of an attempt that has ended well so far. Of one that
  /// failed what it read is taken, for the failure has to be held against that; what it changed is
  /// thrown away later. Of others the snapshot goes.
  bool begin(const Attempt& live, const Judgement& judgement);
  /// They were taken, or could not be.
  Judgement take(Attempt& live, Result<Harvest> harvest, Judgement judgement);
  /// The file that holds its output, as it left it.
  Result<std::string> output_file_of(const Attempt& live) const;
  /// Puts what was taken into `event`. Also of an attempt that failed: whether that is believed
  /// depends on what it read.
  void note(Attempt& live, AttemptEnded& event);

  /// Of a task whose changes wait: what its dispatcher found beside them.
  WaitingNotes& notes_of(TaskId task) { return notes_[task]; }

 private:
  void note_denied(Attempt& live, const Observed& observed) const;
  static bool writes_for_itself(const Attempt& live, std::string_view path);
  std::vector<std::string> left_beside(TaskId task, const Observed& observed) const;
  Judgement judge_denied(const Attempt& live) const;
  void keep(Harvest harvest, AttemptEnded& event);

  Turn& turn_;
  const LiveAttempts& live_;
  OpenSnapshots& snapshots_;
  std::map<TaskId, WaitingNotes> notes_;
};

}  // namespace interlock::engine
