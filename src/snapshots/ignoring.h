#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace interlock::snapshots {

/// What git ignores in a repository and in those nested in it (submodules and others), by the rules
/// in the person's own files and configuration: those a task wrote in its worktree count for
/// nothing here.
///
/// Paths are relative to the outermost repository; those of folders end in `/`.
class Ignoring {
 public:
  explicit Ignoring(std::string top) : top_(std::move(top)) {}

  /// A folder with a `.git` of its own: what is in it is judged there.
  void add_nested(const std::string& folder) { nested_.insert(folder); }
  const std::set<std::string>& nested() const { return nested_; }
  /// The nested repository that `path` lies in; empty: in the outermost.
  std::string repository_of(const std::string& path) const;

  /// All that is there and ignored, in one of these repositories; "" is the outermost.
  Result<std::set<std::string>> present(const std::string& repository) const;
  /// Those of `paths` that are ignored, whether anything is there or not. Tracked files never are.
  /// `index`: what counts as tracked, in place of the person's index.
  std::set<std::string> among(const std::vector<std::string>& paths,
                              const std::string& index = {}) const;

 private:
  bool is_reachable(const std::string& path) const;

  std::string top_;
  std::set<std::string> nested_;
};

}  // namespace interlock::snapshots
