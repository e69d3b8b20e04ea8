#pragma once

#include <functional>
#include <vector>

#include "process/tree.h"
#include "process/walked_trees.h"
#include "sys/descriptor.h"

namespace interlock::process {

/// Trees as cgroups (version 2): exact, whatever the processes do, and killed in one stroke
/// (cgroup.kill, Linux 5.14).
///
/// Below the cgroup this process is in, a folder `interlock-<pid>-<start ticks>-<n>-<pid
/// namespace>` holds one leaf per attempt that runs at the same time, whose name ends with a mark
/// of its run. Leaves are used again by the same run, as making one costs as much as a spawn; but
/// not those that were killed.
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
    sys::Descriptor folder;
    sys::Descriptor events;
  };
  class Grown;

  explicit CgroupTrees(std::string folder);
  Result<Leaf> make_leaf(const std::string& mark);

  std::string folder_;
  WalkedTrees strays_;  ///< What left its cgroup (root can) is still below a child of ours.
  std::size_t leaves_made_ = 0;
  std::vector<Leaf> free_;
};

/// All that attempts of the label's run left in cgroups of dispatchers that are no more, beside or
/// below the one this process is in. Only of dispatchers whose process numbers mean the same to us.
std::vector<sys::ProcessStat> left_by_the_dead(const std::string& label);

/// The processes that a dead dispatcher left in one leaf with this one, itself among them; none
/// when it is in none.
std::vector<sys::ProcessStat> left_beside(pid_t pid);

}  // namespace interlock::process
