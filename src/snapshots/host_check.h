#pragma once

#include <string>

#include "base/result.h"
#include "plan/plan.h"
#include "snapshots/repository.h"

namespace interlock::snapshots {

/// Whether tasks can be isolated this way here, as far as files are concerned: whether the kernel
/// mounts and confines is the process side's to try. Names what is in the way and what to do.
/// Looks at the owner of each entry of the workspace when not root, up to the first that is
/// another's.
Result<void> can_open(plan::Isolation isolation, const std::string& root, const std::string& state);

/// Snapshots do not lie in what they are of: layers that overlap are refused by the kernel (ELOOP).
Result<void> state_is_apart(const std::string& root, const std::string& snapshots);

/// The repository that worktrees of this workspace can be made of; refuses with what is in the way.
Result<Repository> repository_for_worktrees(const std::string& root, const std::string& snapshots);

/// Whether `commits: task` can be kept here. What it says is for people: why there will be no
/// commit, though nothing is wrong; empty: there will be.
Result<std::string> can_commit(const std::string& root);

}  // namespace interlock::snapshots
