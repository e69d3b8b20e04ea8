#pragma once

#include <functional>
#include <vector>

#include "process/fd.h"
#include "process/tree.h"
#include "process/walked_trees.h"

namespace interlock::process {

/// Trees as cgroups (version 2): exact, whatever the processes do, and killed in one stroke
/// (cgroup.kill, Linux 5.14).
///
/// Below the cgroup this process is in, a folder `interlock-<pid>-<start ticks>-<n>-<pid
/// namespace>` holds one leaf per attempt that runs at the same time. Leaves are used again, as
/// making one costs as much as a spawn; but not those that were killed.
class CgroupTrees final : public TreeKeeper {
 public:
  /// Fails, saying why, where the host does not allow it. Removes what dead dispatchers left empty.
  static Result<std::unique_ptr<CgroupTrees>> open();
  ~CgroupTrees() override;
  CgroupTrees(CgroupTrees&&) = delete;

  Result<std::unique_ptr<Tree>> plant(const std::string& label) override;

 private:
  struct Leaf {
    std::string path;
    Fd folder;
    Fd events;
  };
  class Grown;

  explicit CgroupTrees(std::string folder);
  Result<Leaf> make_leaf();

  std::string folder_;
  WalkedTrees strays_;  ///< What left its cgroup (root can) is still below a child of ours.
  std::size_t leaves_made_ = 0;
  std::vector<Leaf> free_;
};

/// All that sits in cgroups of dispatchers that are no more, beside or below the one this process
/// is in. Only of dispatchers whose process numbers mean the same to us.
std::vector<ProcessStat> left_by_the_dead();

/// The processes that a dead dispatcher left in one leaf with this one, itself among them; none
/// when it is in none.
std::vector<ProcessStat> left_beside(pid_t pid);

}  // namespace interlock::process
