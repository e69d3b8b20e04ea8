#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"

namespace interlock::snapshots {

/// Both sides changed a path, and no rule says what it should be.
struct JoinConflict {
  std::string path;
  changes::State before, mine, theirs;
};

/// A changeset, rested on what the workspace is by now.
struct Joined {
  changes::Changeset changes;                 ///< `before`: what the workspace holds.
  std::map<std::string, std::string> merged;  ///< By path: texts of both sides.
  std::vector<JoinConflict> conflicts;        ///< Where there are any, nothing is to be committed.
};

/// `own`: what was changed in the folder `tree`. Where the workspace (`top`, an open folder) moved
/// on at a path as well, texts are merged line by line (diff3); what comes to the same is left out.
/// `text_of`: the text of a state that `own` began with, where it is known.
Result<Joined> join_changes(
    const changes::Changeset& own, int top, const std::string& tree,
    const std::function<std::optional<std::string>(const changes::State&)>& text_of);

/// A text beneath an open folder; nothing where it is none, or is above 1 MiB.
std::optional<std::string> text_beneath(int top, const std::string& path);

}  // namespace interlock::snapshots
