#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/worker_ports.h"
#include "support/fake_picture.h"
#include "support/fake_workspace.h"

namespace interlock::testing_support {

/// Views in memory, over the files of a FakeWorkspace. It outlives its dispatchers, as the disk
/// does: after a crash everything is still there, and `take_up` sorts it out.
///
/// Simulated agents work through `snapshot`. Worktrees are like views. It is strict with its
/// caller: a checkpoint under an open snapshot, or a commit that does not rest on the committed
/// state, ends the test, or what `on_misuse` makes of it.
class FakeSnapshots final : public engine::Snapshots {
 public:
  /// Ways not to keep the contract: whoever tests promises has to find them.
  enum class Flaw : unsigned char {
    none,
    reports_no_reads,         ///< Nobody is known to have read anything.
    keeps_deleted,            ///< A checkpoint deletes nothing.
    sees_nobody,              ///< `foreign` knows of no person.
    checkpoints_backwards,    ///< The first commit wins.
    goes_over_saves,          ///< A checkpoint does not look again before it changes a path.
    forgets_missing_folders,  ///< Of what was looked at in vain, that the folder it would be in is
                              ///< missing.
  };

  /// The workspace's own calls see the committed state from now on; it must outlive the views, or
  /// not be used after them.
  explicit FakeSnapshots(FakeWorkspace& workspace);
  ~FakeSnapshots() override;
  FakeSnapshots(const FakeSnapshots&) = delete;
  FakeSnapshots& operator=(const FakeSnapshots&) = delete;

  /// Called with the name of the call at the beginning of each, and as `fold path` before each path
  /// that is folded; what it throws goes through: a crash between two calls, or within a
  /// checkpoint.
  std::function<void(std::string_view call)> before_call;
  /// What a call that can fail fails with, when set and when it answers something: nothing is done
  /// then.
  std::function<std::optional<Error>(std::string_view call)> fails;
  /// Called with what the caller did wrong; throws. Without it the test ends.
  std::function<void(std::string_view what)> on_misuse;
  Flaw flaw = Flaw::none;
  /// What harvests tell of reads; of attempts whose reads are not watched never more than declared.
  changes::ReadsFrom reads_known = changes::ReadsFrom::observed;

  /// What the attempt works on while it runs.
  FakeSnapshot& snapshot(engine::AttemptName name);
  bool is_open(engine::AttemptName name) const { return open_.contains(name); }
  std::size_t snapshots_open() const { return open_.size(); }
  /// How many commits are not yet folded.
  std::size_t layers() const { return layers_.size(); }
  /// Whether one of them changes this path.
  bool is_in_layers(const std::string& path) const;
  /// What a harvested attempt found, as far as it is still kept.
  const FakeTree* found(engine::AttemptName name) const;
  /// Whose changes are kept.
  std::vector<engine::AttemptName> harvested() const;
  /// The workspace itself, without layers.
  FakeTree workspace() const { return workspace_tree(); }
  /// A task without a snapshot leaves this there.
  void leave(const FakeTree& tree);
  /// Somebody writes into the workspace itself, or deletes there.
  void person_edits(const std::string& path, const std::optional<std::string>& content);
  /// Somebody makes a folder there, in which nothing is yet; the folder above must be there.
  void person_makes_folder(const std::string& path);
  std::map<std::string, std::string> committed_files() const { return committed_tree().files(); }

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
  /// What is kept of this attempt is spoilt: it was harvested, and then the disk lost some of it.
  void lose(engine::AttemptName name) { lost_.insert(name); }

 private:
  /// An attempt's changes upon what they rest on.
  struct Version {
    FakeTree before, after;
    changes::Changeset changes;

    Version(FakeTree found, FakeTree left);
    FakeTree::Edits edits() const;
    /// Also the folders it made, in which there may be nothing any more.
    void make_upon(FakeTree& tree) const;
  };
  /// A harvested attempt: what was harvested, and then each amendment. All are kept, because a
  /// dispatcher that died before it could note an amendment takes up one before it.
  struct Attempt {
    std::vector<Version> versions;
    std::size_t edits_before = 0;  ///< As in `Open`, and so are the next two.
    FakeTree base;
    std::size_t checkpoints_before = 0;

    const Version& current() const { return versions.back(); }
  };
  struct Open {
    FakeSnapshot snapshot;
    std::size_t edits_before = 0;        ///< How many of `person_touched_` came before it.
    bool is_watched = true;              ///< Its reads are told.
    FakeTree base;                       ///< The workspace itself when it was opened.
    std::size_t checkpoints_before = 0;  ///< How many of `folds_` came before it.
  };
  struct Fold {
    FakeTree::Edits edits;
    std::set<std::string> folders;  ///< That it made.
  };
  struct Layer {
    engine::AttemptName name;
    Version version;
  };

  void call(std::string_view name) const {
    if (before_call) before_call(name);
  }
  std::optional<Error> failure(std::string_view name) const {
    return fails ? fails(name) : std::nullopt;
  }
  FakeTree workspace_tree() const;
  void note_touched(const FakeTree& before);
  changes::ReadSet reads_in(const FakeSnapshot& snapshot) const;
  FakeTree committed_tree() const { return committed_tree(layers_.size()); }
  FakeTree committed_tree(std::size_t layers) const;
  FakeTree tree_for(engine::AttemptName name, std::size_t layers) const;
  Attempt& attempt(engine::AttemptName name);
  void insist(bool holds, std::string_view what) const;
  changes::ReadSet reported_reads(const Open& open, const footprint::Footprint& footprint) const;
  FakeTree expected_since(const FakeTree& base, std::size_t checkpoints_before) const;
  bool has_version(const Kept& kept) const;
  const Version& go_back_to(const Kept& kept);
  std::vector<std::string> paths_not_as_expected() const;

  FakeWorkspace& workspace_;
  mutable std::set<std::string> folders_;  ///< All that the workspace ever had.
  std::map<engine::AttemptName, Open> open_;
  /// What is to be opened shows so many layers.
  std::map<engine::AttemptName, std::size_t> reserved_;
  std::map<engine::AttemptName, Attempt> attempts_;
  std::vector<Layer> layers_;  ///< Committed and not folded, in that order.
  std::set<engine::AttemptName> checkpointed_;
  std::set<engine::AttemptName> lost_;
  std::vector<Fold> checkpoints_;            ///< What each brought in.
  std::vector<std::string> person_touched_;  ///< Files, and folders whose names changed.
};

}  // namespace interlock::testing_support
