#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/worker_ports.h"
#include "snapshots/attempt.h"
#include "snapshots/layout.h"
#include "snapshots/worktree.h"
#include "workspace/layers.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

/// Snapshots on this machine's file systems: overlays (mounted by the process side, from what
/// `open` says), and git worktrees. Layout on disk: views/layout.h.
///
/// One other thread may open, harvest and discard while the one that owns this asks for the rest.
/// An attempt is that thread's from being opened to being harvested, and while it is discarded.
class LocalSnapshots final : public engine::Snapshots, public workspace::Layers {
 public:
  struct Options {
    /// A commit a task on the branch `interlock/<run>`, where the workspace is a git repository.
    bool commit_per_task = false;
    std::vector<std::string> task_ids;  ///< By TaskId, for names of branches; else its number.
    std::function<void()> before_step;  ///< For tests: called before each change a checkpoint
                                        ///< makes, and before each step of opening a worktree.
    /// For tests: called with each place that a power failure leaves as it is from then on.
    std::function<void(const std::string& place)> on_synced;
  };

  /// `root` is absolute, without links. Nothing is made on disk before the first `open`.
  LocalSnapshots(std::string root, const std::string& state, std::string run, Options options);
  LocalSnapshots(std::string root, const std::string& state, std::string run)
      : LocalSnapshots(std::move(root), state, std::move(run), Options()) {}

  void reserve(engine::AttemptName name) override;
  Result<Opened> open(const SnapshotSpec& spec) override;
  Result<Harvest> harvest(engine::AttemptName name, const engine::Observed& observed,
                          const footprint::Footprint& footprint) override;
  changes::ReadSet reads_so_far(engine::AttemptName name,
                                const engine::Observed& observed) override;
  Result<std::string> content(engine::AttemptName name, const std::string& path, Side side,
                              std::size_t max_bytes) override;
  Result<std::string> committed(const std::string& path, std::size_t max_bytes) override;
  std::vector<std::string> foreign(engine::AttemptName name, const changes::ReadSet& reads,
                                   const changes::Changeset& own) override;
  Result<changes::Changeset> amend(
      engine::AttemptName name,
      const std::vector<std::pair<std::string, std::string>>& merged) override;
  Result<std::vector<std::string>> commit(const Kept& kept, const std::string& title) override;
  Result<std::vector<std::string>> checkpoint() override;
  void discard(engine::AttemptName name) override;
  Result<std::vector<engine::AttemptName>> recover(const std::vector<Kept>& committed,
                                                   const std::vector<Kept>& waiting) override;

  std::vector<workspace::Layer> uncheckpointed() const override;

 private:
  using Key = std::pair<TaskId, std::uint32_t>;
  static Key key_of(engine::AttemptName name) { return {name.task, name.attempt}; }

  Attempt& known(engine::AttemptName name);
  const Attempt* find(engine::AttemptName name) const;
  std::string after(const Attempt& attempt) const { return layout_.file(attempt.name, "after"); }
  workspace::Layer layer_of(const Attempt& attempt) const;
  /// What is left of the layers an attempt saw: those folded since are in the workspace.
  std::vector<workspace::Layer> seen_by(const Attempt& attempt) const;
  workspace::Stack now() const { return {root_, uncheckpointed()}; }

  /// The committed state that a snapshot is to stand on, and what its baseline is to know of.
  struct Reserved {
    std::set<std::string> seen;
    std::vector<workspace::Layer> layers;
    std::set<std::string> asked;
  };
  Reserved state_for(engine::AttemptName name) const;
  Reserved take_reserved(engine::AttemptName name);
  Result<Opened> open_snapshot(const SnapshotSpec& spec, const Reserved& upon);
  Result<Opened> open_check(const SnapshotSpec& spec, const Reserved& upon);
  Result<Opened> open_worktree(const SnapshotSpec& spec, const Reserved& upon);
  Result<Opened> open_worktree_check(const SnapshotSpec& spec, const Attempt& attempt,
                                     const Reserved& upon);
  Result<Attempt*> begin(const SnapshotSpec& spec, const Reserved& upon);
  Result<Opened> snapshot(const SnapshotSpec& spec, const std::vector<workspace::Layer>& layers,
                          const std::string& folder) const;
  Result<changes::Changeset> take_changes(Attempt& attempt, Harvest& harvest);
  Result<std::string> content_behind(const Attempt& attempt, const std::string& path,
                                     std::size_t max_bytes) const;
  std::string branch_of(engine::AttemptName name) const;
  std::string place_of(const Attempt& attempt) const;
  static Opened opened_in(const SnapshotSpec& spec, const Worktree& worktree);
  /// What of a path was looked at.
  enum class Look : unsigned char { content, presence, listing };
  bool is_foreign(const Attempt& attempt, const std::string& path, Look look) const;
  bool is_foreign_by_times(const Attempt& attempt, const std::string& path) const;
  bool has_other_names(const Attempt& attempt, const std::string& folder) const;
  std::vector<std::string> hidden_by_mounts() const;
  Result<void> mark_checkpointed();
  Result<void> keep(const Attempt& attempt);
  Result<void> load(const Kept& kept, Attempt::Stage stage);
  Result<bool> is_whole(const Attempt& attempt) const;
  Result<void> sweep(const std::vector<Kept>& committed, const std::vector<Kept>& waiting);

  /// What is known of a worktree only while its attempt runs: one that outlives its dispatcher is
  /// thrown away.
  struct OpenWorktree {
    Repository repository;
    Worktree::Base base;
  };

  const OpenWorktree* find_worktree(const Attempt& attempt) const;

  std::string root_, run_;
  Layout layout_;
  Options options_;
  /// Of these maps and of `uncheckpointed_`, whose list only the owner's thread changes.
  mutable std::mutex mutex_;
  std::mutex git_mutex_;  ///< Commands of git that write come one after the other.
  std::map<Key, Attempt> attempts_;
  std::map<Key, OpenWorktree> worktrees_;
  std::map<engine::AttemptName, Reserved> reserved_;
  std::vector<Attempt*>
      uncheckpointed_;  ///< Committed and not folded, in the order of their commits.
  struct Checkpointed {
    changes::State state;
    std::size_t checkpoint = 0;  ///< Which; those of earlier dispatchers are 0.
  };
  std::map<std::string, Checkpointed> checkpointed_;  ///< What our own checkpoints wrote.
  std::size_t checkpoints_ = 1;                       ///< The next one's number.
  Baselines baselines_;
  std::map<TaskId, std::set<std::string>> asked_;  ///< Paths that `foreign` was asked for.
};

}  // namespace interlock::snapshots
