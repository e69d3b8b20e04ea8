#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "views/harvest.h"
#include "workspace/layers.h"
#include "workspace/stack.h"

namespace interlock::views {

/// A git worktree in `folder`, for hosts without overlays and for people who want a branch a task.
/// It stands on a snapshot of the committed state: what is tracked, what is dirty, and what is new
/// and not ignored. What is ignored is neither in it nor seen when it is changed.
class Worktree {
 public:
  /// `root`: the workspace, in a repository or below one's top.
  Worktree(std::string root, std::string folder);

  std::string tree() const { return folder_ + "/tree"; }
  /// Where the workspace is in it.
  std::string workspace() const;
  /// What git writes to when something is committed in it.
  std::string repository() const;

  /// Checks out a new `branch` on a snapshot; the snapshot's hash.
  Result<std::string> open(const std::string& branch, const std::vector<workspace::Layer>& upon);
  /// The same without a branch, upon an earlier snapshot when `base` names one.
  Result<std::string> open_check(const std::string& base,
                                 const std::vector<workspace::Layer>& upon);
  /// What is different from the snapshot, committed there or not. Modes are as they were but for
  /// the right to execute, for git knows no more of them.
  Result<Harvested> harvest(const std::string& base, const workspace::Stack& lower) const;
  void remove() const;

  static void remove_branch(const std::string& root, const std::string& branch);

 private:
  Result<std::string> snapshot(const std::string& base,
                               const std::vector<workspace::Layer>& upon) const;

  std::string root_, folder_, top_;
};

}  // namespace interlock::views
