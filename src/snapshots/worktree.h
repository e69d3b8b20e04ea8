#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/harvest.h"
#include "snapshots/worktree_copy.h"
#include "snapshots/worktree_repository.h"
#include "workspace/layers.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

/// A copy of the workspace (and of the repository around it) in `folder`/tree that is a git
/// repository of its own, on a branch of its own, for hosts without overlays and for people who
/// want a branch a task. It stands on a snapshot of the committed state: what is tracked, what is
/// dirty, and what is new and not ignored. Nothing of it is registered in the person's repository.
///
/// What a task did there is found by looking at files, with the rules on ignoring of the person's
/// own: no git runs on what the task can write.
class Worktree {
 public:
  /// `root`: the workspace, in a repository or below one's top.
  Worktree(const Repository& repository, std::string root, std::string folder,
           std::function<void()> before_step = {});

  std::string tree() const { return folder_ + "/tree"; }
  /// Where the workspace is in it.
  std::string workspace() const;

  /// What is to be known of it when its task is over.
  struct Base {
    std::string commit;  ///< The snapshot.
    Copied copied;
    Given given;
  };
  /// Makes it, with a new `branch` on a snapshot.
  Result<Base> open(const std::string& branch, const std::vector<workspace::Layer>& upon) const;

  /// What is different from the snapshot, committed there or not. Left out, and said so: what git
  /// ignores, what is outside of the workspace, what is in a `.git`, sockets, pipes and devices.
  Result<Harvested> harvest(const Base& base, const workspace::Stack& lower) const;

 private:
  Result<std::string> snapshot(const Copied& copied,
                               const std::vector<workspace::Layer>& upon) const;

  const Repository& repository_;
  std::string root_, folder_;
  std::function<void()> before_step_;
};

}  // namespace interlock::snapshots
