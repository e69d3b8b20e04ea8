#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "engine/names.h"

namespace interlock::snapshots {

/// One commit of a run that is in the workspace.
struct Committed {
  engine::AttemptName name;
  changes::Changeset changes;
};

/// Takes commits back out of the workspace: each path is as it was before the first of them. A
/// checkpoint the other way round, with all that holds of one: nothing is written over or deleted
/// unseen, and broken off at any instant the next `undo` of the same commits goes on.
class Undo {
 public:
  /// `commits` in the order of committing; their bytes lie in the run's folder below `state`.
  Undo(std::string root, const std::string& state, const std::string& run,
       const std::vector<Committed>& commits);

  /// Paths that are not as the commits left them. Nothing is changed where there are any. An error
  /// where what was there before was not kept.
  Result<std::vector<std::string>> run();

 private:
  struct Back {
    std::string folder;  ///< Where the bytes lie that come back.
    changes::Changeset changes;
  };
  Result<void> check_kept() const;

  std::string root_, intent_, temporary_prefix_;
  std::vector<Back> backs_;
};

}  // namespace interlock::snapshots
