#pragma once

#include <string>

#include "base/result.h"
#include "changes/changeset.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

/// Makes of a tree that holds what an attempt left (an overlay's upper, a worktree) a layer that
/// shows exactly its changeset: what was changed is moved to the same path below `after`, what was
/// deleted becomes a whiteout, and folders on the way are as `lower` has them. No folder is opaque:
/// what somebody else put into it stays to be seen. Done or not done, never half.
Result<void> freeze(const std::string& tree, const std::string& after,
                    const changes::Changeset& changes, const workspace::Stack& lower);

/// Gives the folders that are in the layer only on the way to something the modes that `below` has
/// by now: the topmost layer decides what a snapshot shows.
void settle_folders(const std::string& after, const changes::Changeset& changes,
                    const workspace::Stack& below);

}  // namespace interlock::snapshots
