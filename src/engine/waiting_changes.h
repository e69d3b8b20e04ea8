#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/stale.h"
#include "engine/event.h"
#include "engine/names.h"

namespace interlock::engine {

/// What a finished attempt changed and read, while it waits for its turn: to commit, or to be
/// believed that it failed. All of it is what events said.
struct WaitingChanges {
  struct Failure {
    Outcome outcome = Outcome::succeeded;
    std::string detail;
  };

  AttemptName name;
  std::optional<Failure> failure;  ///< What it changed is thrown away at its turn.
  /// `Snapshots` keeps it. Not: nothing could be taken, so it may have read all.
  bool is_kept = true;
  /// Of a task with tries: the attempt of the try that did its work. `Snapshots` keeps it so.
  std::optional<AttemptName> made_by;
  /// The attempt that did its work and that of others: what it read is held against that one's
  /// snapshot. Nothing of it is to be committed.
  std::optional<AttemptName> batch;
  std::optional<Digest> changes_digest, reads_digest;  ///< Of what is below, once it is loaded.
  changes::Changeset own;
  changes::ReadSet reads;
  std::uint32_t snapshot_version = 0;  ///< Commits in its snapshot.
  /// Commits it is known to agree with; `snapshot_version`, or more by merging.
  std::uint32_t base_version = 0;
  /// Files that were merged with others' changes, and what they hold. Its check runs on them before
  /// it commits.
  std::vector<CacheKeyPart> merged;

  /// Whose snapshot holds it.
  AttemptName snapshot() const { return made_by.value_or(name); }
  /// What is to come into the workspace: of a failure nothing.
  const changes::Changeset& to_commit() const;
};

/// What only the dispatcher that saw the attempt knows of it; another can do without.
struct WaitingNotes {
  std::vector<std::string> wrote;  ///< Every path it wrote, also with the same bytes; sorted.
  /// Why its result proves nothing for the next time; see `why_not_comparable`.
  std::string not_comparable = "its run was interrupted before it was done";
  /// A folder that was missing on the way to what it declares; empty: none was.
  std::string missed;
  std::optional<TaskId> behind;  ///< The earlier task it waited for when it was last looked at.
};

/// How an attempt's changes met with others'.
struct Conflict {
  std::vector<changes::Stale> stale;  ///< `by` counts the commits since its snapshot.
  std::vector<TaskId> by;             ///< Whose commits made it stale; sorted.
  std::vector<std::string> foreign;   ///< Changed by somebody outside the run.
  std::string detail;                 ///< In words, for people; of why it was not merged, before.
  std::string reported;               ///< For an agent that mends: the diff.

  bool empty() const { return stale.empty() && foreign.empty(); }
  /// Every path, sorted.
  std::vector<std::string> paths() const;
  /// What of it to name first, for people.
  std::string first() const;
};

/// What to blame first; there must be one.
const changes::Stale& gravest(const std::vector<changes::Stale>& stale);

/// So many commits wait at most for a moment without snapshots; then nothing starts until they are
/// brought into the workspace. (Overlay file systems take 500 layers and grow slower before.)
inline constexpr std::uint32_t kUncheckpointedMax = 64;

/// After so many conflicts a task waits until all before it have ended; after so many it fails.
inline constexpr int kConflictsInTurn = 3;
inline constexpr int kConflictsMax = 8;

/// Larger files are not merged, and not shown in what an agent is told.
inline constexpr std::size_t kMergedBytesMax = 4u << 20;

}  // namespace interlock::engine
