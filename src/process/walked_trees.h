#pragma once

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "process/tree.h"

namespace interlock::process {

/// Trees found by walking /proc, for hosts without cgroup v2.
///
/// This process is a subreaper (PR_SET_CHILD_SUBREAPER): whatever loses its parent becomes our
/// child, so once a root is gone, the rest of its tree is below children of ours that we did not
/// start. Whose such an orphan is, is told by its brand, the marker in its environment or its
/// session. One that shed all three is taken for a stray of every attempt that is older than it: it
/// may be ended when another attempt ends, but never outlives its own.
///
/// To be ended, all are first stopped, until a look finds no more that run: else a chain of forks
/// could be ahead of every look. What cannot be done this way: signal a process of another user.
class WalkedTrees final : public TreeKeeper {
 public:
  /// `counts`: which orphans may belong to a tree at all; none: every one.
  explicit WalkedTrees(std::function<bool(pid_t)> counts = {}) : counts_(std::move(counts)) {}

  Result<std::unique_ptr<Tree>> plant(const std::string& label) override;

 private:
  class Walked;

  std::vector<ProcessStat> orphans() const;

  std::function<bool(pid_t)> counts_;
  std::vector<Walked*> trees_;
};

}  // namespace interlock::process
