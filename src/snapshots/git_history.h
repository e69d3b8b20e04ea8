#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/attempt.h"
#include "snapshots/git_tree.h"
#include "snapshots/repository.h"
#include "workspace/layers.h"

namespace interlock::snapshots {

/// Commits of what tasks changed, made in the object database: the person's checkout, index, HEAD
/// and branches are never touched, and nothing that is dirty there can be in the way.
///
/// A commit is made beside the changes, which come into the workspace all the same: what keeps it
/// from being made, or what is not in it, is told, and never an error.
class History {
 public:
  using Remarks = std::vector<std::string>;

  /// `scratch`: a folder for an index and the like. `title`: the first line of the message,
  /// `run/task`.
  History(std::string root, std::string scratch, std::string run, std::string title);

  /// One more commit on `interlock/<run>`, which begins at HEAD. What .gitignore shuts out, and
  /// changes git knows nothing of, make none. Outside of a repository: nothing to do.
  Remarks commit_task(const workspace::Layer& layer) const;
  /// One more commit on a branch, which begins at HEAD and must not be there yet where `begins`.
  /// False: git knows nothing of what was changed, and there is none.
  Result<bool> commit_onto(const std::string& branch, bool begins, const workspace::Layer& layer,
                           Remarks& remarks) const;
  /// The attempt's branch gets what it changed as one commit upon its own commits there, or upon
  /// its snapshot; where it changed nothing and committed nothing there is no branch. Other
  /// branches and tags that it made or moved in its repository come as `<branch>.<name>`.
  Remarks commit_worktree(const std::string& branch, const Attempt& attempt,
                          const workspace::Layer& layer) const;

 private:
  Result<bool> move_task_branch(const Repository& repository, const std::string& branch,
                                const workspace::Layer& layer, Remarks& remarks) const;
  Result<void> move_worktree_branch(const Repository& repository, const std::string& branch,
                                    const Attempt& attempt, const workspace::Layer& layer,
                                    Remarks& remarks) const;
  Result<std::string> commit(const Repository& repository, const std::string& parent,
                             const std::string& tree, Leaves leaves, Remarks& remarks) const;
  Leaves without_ignored(const Repository& repository, const std::string& parent, Leaves leaves,
                         Remarks& remarks) const;
  std::string message() const;

  std::string root_, scratch_, run_, title_;
};

}  // namespace interlock::snapshots
