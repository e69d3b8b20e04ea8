#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

struct Harvested {
  changes::Changeset changes;
  std::vector<std::string> remarks;  ///< For people.
  /// Files and links that were written, though they are as before.
  std::vector<std::string> rewritten{};
};

/// What an overlay's upper folder holds, as against what was below it. Left out, and said so: what
/// is in a `.git`, folders that would be deleted with one, sockets, pipes and devices. Only
/// named: what was written and is as before. Folders closed to us are opened, as `freeze` needs
/// them.
Result<Harvested> harvest_upper(const std::string& upper, const workspace::Stack& lower);

/// The old bytes of each file that was changed or deleted, below `before`: diffs and merges need
/// them when the workspace has moved on. Those above 64 MiB are left out; the remarks say so.
Result<std::vector<std::string>> keep_before(const std::string& before,
                                             const changes::Changeset& changes,
                                             const workspace::Stack& lower);

}  // namespace interlock::snapshots
