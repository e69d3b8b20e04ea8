#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "engine/run_state.h"
#include "engine/waiting_changes.h"
#include "footprint/glob.h"

namespace interlock::engine {

/// What attempts changed while it waits for its turn, and what was committed. Made of events alone:
/// a dispatcher that takes the run up has what the one before it had.
///
///     AttemptEnded --> waits --(ChangesMerged: upon newer commits)--> ChangesCommitted
///                        |                                              |        |
///                        |                    ChangesLost: done again <-'        '--> committed
///                        '--> thrown away: RetryPlanned, TaskFailed, TaskCancelled
///                        |--> TaskDone, of one that shared an attempt: nothing of it commits
///                        '--> of a try: waits as its task's, once that takes it up
///
/// Events name changesets and read sets by digest. Those that were made here are known as they are
/// made; after a replay `load` reads the others, but only those that are still wanted.
class Commits {
 public:
  using ReadBlob = std::function<Result<std::string>(const Digest&)>;

  struct Committed {
    AttemptName name;
    AttemptName snapshot;  ///< Whose snapshot holds it.
    Digest digest;
    changes::Changeset changes;
  };

  /// `run` is what it is after the event.
  void apply(const RunState& run, const RecordedEvent& recorded);
  /// What an event of this turn is going to name.
  void know(const Digest& digest, changes::Changeset changes);
  void know(const Digest& digest, changes::ReadSet reads);
  /// Reads what is named and not known. Until then `own`, `reads` and committed changes are empty.
  Result<void> load(const ReadBlob& blob);

  /// By task: those that are committing or reviewing, good tries of which none is picked yet, and
  /// in the turn of its end any other.
  const std::map<TaskId, WaitingChanges>& waiting() const { return waiting_; }
  bool waits(TaskId task) const { return waiting_.contains(task); }
  /// In the order of committing.
  const std::vector<Committed>& committed() const { return committed_; }
  std::uint32_t version() const { return static_cast<std::uint32_t>(committed_.size()); }

  /// What earlier tasks committed since the snapshot was opened. Later ones that went ahead come
  /// after it in plan order: what they changed is not its concern, and was proven not to be; but
  /// where a person asked for the task again (`is_revived`). `declared`: its `reads`.
  std::vector<changes::Stale> stale_in(const WaitingChanges& waiting, bool is_revived,
                                       const footprint::PatternSet& declared) const;
  /// What it touched that a later task had changed before its snapshot was opened: it saw what is
  /// yet to come.
  std::vector<changes::Stale> seen_too_soon(const WaitingChanges& waiting) const;

  /// A line each: what waits by task, then what was committed in its order.
  std::string text() const;

 private:
  void on(const RunState& run, const AttemptEnded& event);
  void on(const RunState& run, const ChangesMerged& event);
  void on(const RunState& run, const ChangesCommitted& event);
  void on(const RunState& run, const ChangesLost& event);
  void on(const RunState&, const RetryPlanned& event) { waiting_.erase(event.task); }
  void on(const RunState&, const TaskDone& event) { waiting_.erase(event.task); }
  void on(const RunState&, const TaskFailed& event) { waiting_.erase(event.task); }
  void on(const RunState&, const TaskCancelled& event) { waiting_.erase(event.task); }
  void on(const RunState&, const TryEnded& event) {
    if (!event.good) waiting_.erase(event.task);
  }
  void on(const RunState&, const TryDropped& event) { waiting_.erase(event.task); }
  void take_over(TaskId task, TaskId from, std::uint32_t attempt);
  template <typename Other>
  void on(const RunState&, const Other&) {}

  std::map<TaskId, WaitingChanges> waiting_;
  std::vector<Committed> committed_;
  // Made in this turn, and not named yet.
  std::map<Digest, changes::Changeset> known_changes_;
  std::map<Digest, changes::ReadSet> known_reads_;
};

}  // namespace interlock::engine
