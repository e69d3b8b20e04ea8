#pragma once

#include <string>

#include "base/result.h"
#include "views/attempt.h"
#include "workspace/layers.h"

namespace interlock::views {

/// Commits of what tasks changed, made in the object database: the person's checkout, index, HEAD
/// and branches are never touched, and nothing that is dirty there can be in the way.
class History {
 public:
  /// `scratch`: a folder for an index. `title`: the first line of the message, `run/task`.
  History(std::string root, std::string scratch, std::string run, std::string title);

  /// One more commit on `interlock/<run>`, which begins at HEAD. What .gitignore shuts out, and
  /// changes git knows nothing of, make none. Outside of a repository: nothing to do.
  Result<void> commit_task(const workspace::Layer& layer) const;
  /// The attempt's branch gets what it changed as one commit upon its snapshot, or goes.
  Result<void> commit_worktree(const std::string& branch, const Attempt& attempt,
                               const workspace::Layer& layer) const;

 private:
  Result<std::string> commit(const std::string& parent, const workspace::Layer& layer,
                             bool but_ignored) const;
  std::string message() const;

  std::string root_, scratch_, run_, title_, top_;
};

}  // namespace interlock::views
