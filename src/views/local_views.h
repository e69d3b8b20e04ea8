#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports.h"
#include "views/attempt.h"
#include "views/layout.h"
#include "workspace/layers.h"
#include "workspace/stack.h"

namespace interlock::views {

/// Pictures on this machine's file systems: overlays (mounted by the process side, from what `open`
/// says), and git worktrees. Layout on disk: views/layout.h.
class LocalViews final : public engine::Views, public workspace::Layers {
 public:
  struct Options {
    /// A commit a task on the branch `interlock/<run>`, where the workspace is a git repository.
    bool commit_per_task = false;
    std::vector<std::string> task_ids;  ///< By TaskId, for names of branches; else its number.
    std::function<void()> before_step;  ///< For tests: called before each change a fold makes.
  };

  /// `root` is absolute, without links. Nothing is made on disk before the first `open`.
  LocalViews(std::string root, const std::string& state, std::string run, Options options);
  LocalViews(std::string root, const std::string& state, std::string run)
      : LocalViews(std::move(root), state, std::move(run), Options()) {}

  Result<Opened> open(const Wish& wish) override;
  Result<Harvest> harvest(engine::AttemptName name, const engine::Observed& observed,
                          const footprint::Footprint& footprint) override;
  changes::ReadSet reads_so_far(engine::AttemptName name,
                                const engine::Observed& observed) override;
  Result<std::string> content(engine::AttemptName name, const std::string& path, Side side,
                              std::size_t max_bytes) override;
  Result<std::string> committed(const std::string& path, std::size_t max_bytes) override;
  std::vector<std::string> foreign(engine::AttemptName name,
                                   const std::vector<std::string>& paths) override;
  Result<changes::Changeset> amend(
      engine::AttemptName name,
      const std::vector<std::pair<std::string, std::string>>& merged) override;
  Result<void> commit(const Kept& kept, const std::string& title) override;
  Result<std::vector<std::string>> fold() override;
  void discard(engine::AttemptName name) override;
  Result<void> take_up(const std::vector<Kept>& committed,
                       const std::vector<Kept>& waiting) override;

  std::vector<workspace::Layer> unfolded() const override;

 private:
  using Key = std::pair<TaskId, std::uint32_t>;
  static Key key_of(engine::AttemptName name) { return {name.task, name.attempt}; }

  Attempt& known(engine::AttemptName name);
  const Attempt* find(engine::AttemptName name) const;
  std::string after(const Attempt& attempt) const { return layout_.file(attempt.name, "after"); }
  workspace::Layer layer_of(const Attempt& attempt) const;
  /// What is left of the layers an attempt saw: those folded since are in the workspace.
  std::vector<workspace::Layer> seen_by(const Attempt& attempt) const;
  workspace::Stack now() const { return {root_, unfolded()}; }

  Result<Opened> open_picture(const Wish& wish);
  Result<Opened> open_check(const Wish& wish);
  Result<Opened> open_worktree(const Wish& wish);
  Result<Opened> open_worktree_check(const Wish& wish, const Attempt& attempt);
  Result<Attempt*> begin(const Wish& wish);
  Result<Opened> picture(const Wish& wish, const std::vector<workspace::Layer>& layers,
                         const std::string& folder) const;
  Result<changes::Changeset> take_changes(Attempt& attempt, Harvest& harvest);
  Result<std::string> content_behind(const Attempt& attempt, const std::string& path,
                                     std::size_t max_bytes) const;
  std::string branch_of(engine::AttemptName name) const;
  void drop(const Attempt& attempt);
  bool is_foreign(const Attempt& attempt, const std::string& path) const;
  Result<void> mark_folded();
  Result<void> load(const Kept& kept, Attempt::Stage stage);
  Result<void> sweep(const std::vector<Kept>& committed, const std::vector<Kept>& waiting);

  std::string root_, run_;
  Layout layout_;
  Options options_;
  std::map<Key, Attempt> attempts_;
  std::vector<Attempt*> unfolded_;  ///< Committed and not folded, in the order of their commits.
  std::map<std::string, changes::State> folded_;  ///< What our own folds wrote.
};

}  // namespace interlock::views
