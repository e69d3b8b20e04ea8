#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/ignoring.h"
#include "snapshots/repository.h"
#include "workspace/layers.h"

namespace interlock::snapshots {

/// What tells whether somebody touched a path since: nobody can set the time of the last change.
struct Stamp {
  mode_t mode = 0;  ///< With the kind.
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t changed_ns = 0;

  bool operator==(const Stamp&) const = default;
};
Stamp stamp_of(const struct stat& status);

/// What a worktree held when its task began, by path of the repository.
struct Copied {
  std::map<std::string, Stamp> stamps;
  Ignoring ignoring;
};

/// Fills `tree`, an empty folder, with the committed state as it lies there: what is tracked and
/// what is not, dirty or not, submodules and other repositories in it, empty folders, with modes,
/// times and, for root, owners. Left out: `.git` folders, what git ignores, sockets, pipes and
/// devices. git makes no file, so no filter has a say. Folders of the repository outside of the
/// workspace (`root`) are there as they are.
Result<Copied> copy_committed(const Repository& repository, const std::string& root,
                              const std::vector<workspace::Layer>& upon, const std::string& tree,
                              const std::function<void()>& before_step);

}  // namespace interlock::snapshots
