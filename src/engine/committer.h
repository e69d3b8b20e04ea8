#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/change_collector.h"
#include "engine/checkpoints.h"
#include "engine/evidence.h"
#include "engine/live_attempts.h"
#include "engine/task_endings.h"
#include "engine/turn.h"
#include "engine/waiting_changes.h"

namespace interlock::engine {

/// Commits what attempts changed, in plan order or ahead of tasks it commutes with; and what
/// follows when others changed meanwhile what an attempt saw: merge, mend, or do it again. What
/// waits and what was committed is in `Commits`, which is made of the events recorded here.
class Committer {
 public:
  Committer(Turn& turn, LiveAttempts& live, OpenSnapshots& snapshots, ChangeCollector& collector,
            TaskEndings& tasks)
      : turn_(turn), live_(live), snapshots_(snapshots), collector_(collector), tasks_(tasks) {}

  /// A run is taken up: who runs from now on begins upon all of that.
  void begin() { reported_ = turn_.commits().version(); }
  /// In plan order, so that what the earlier ones change is there when the later ones are looked
  /// at.
  [[nodiscard]] Result<void> commit_what_may();
  /// Phase 2, the check of merged files, is over.
  [[nodiscard]] Result<void> on_merged_checked(Attempt live, const Judgement& judgement);

  /// Phase 3: a merge driver is over, and left `merged` as its result.
  [[nodiscard]] Result<void> on_driver_over(Attempt live, Judgement judgement,
                                            std::optional<Result<std::string>> merged);

  /// Whether others have changed what it saw.
  Conflict conflict_of(const WaitingChanges& waiting) const;
  [[nodiscard]] Result<void> refuse(const WaitingChanges& waiting, const Conflict& conflict);
  /// Again, upon what the workspace is now: at once the first times, then when all before it is
  /// over, so that nobody can come in between.
  void do_again(TaskId task, const Conflict& conflict);
  /// Its snapshot goes; that its changes wait no more is said by the event that follows.
  void drop_changes(TaskId task);

 private:
  bool may_commit(const WaitingChanges& waiting);
  [[nodiscard]] Result<void> try_to_commit(const WaitingChanges& waiting);
  [[nodiscard]] Result<void> commit(const WaitingChanges& waiting, std::optional<Trace> trace);
  void stop_stale();
  // conflicts.cc
  std::vector<changes::Stale> stale_in(const WaitingChanges& waiting) const;
  Result<void> refuse_commit(const WaitingChanges& waiting, Conflict conflict);
  [[nodiscard]] Result<void> check_merged(const WaitingChanges& waiting);
  std::string describe_changes(const WaitingChanges& waiting, const Conflict& conflict) const;
  // file_merges.cc
  std::optional<Attempt::Merging> files_to_merge(const WaitingChanges& waiting,
                                                 const Conflict& conflict) const;
  std::optional<Attempt::Merging::File> file_to_merge(const WaitingChanges& waiting,
                                                      const std::string& path) const;
  bool take_merged(const WaitingChanges& waiting, const Attempt::Merging& merging);
  void ask_driver(AttemptName attempt, Attempt::Merging merging);
  bool is_for_drivers(TaskId task, const std::vector<changes::Stale>& stale) const;

  Turn& turn_;
  LiveAttempts& live_;
  OpenSnapshots& snapshots_;
  ChangeCollector& collector_;
  TaskEndings& tasks_;
  std::uint32_t reported_ = 0;  ///< Running attempts were held against so many commits.
};

}  // namespace interlock::engine
