#pragma once

#include <string>

#include "engine/ports.h"

// Where a run's snapshots lie: `<state>/runs/<run>/views/`, a folder an attempt. In it, while it is
// open, `upper` and `work` (or `tree`, a git worktree) and `opened.json`; once harvested `after`,
// `before`, `reads.json` and, written last, `changes.json`; `mine-<n>` when its changes were rested
// on others'; `check-<phase>` while its check runs; `folded` once the workspace holds it.
namespace interlock::snapshots {

class Layout {
 public:
  Layout(const std::string& state, const std::string& run);

  const std::string& snapshots() const { return snapshots_; }
  /// What a checkpoint that was broken off leaves behind.
  std::string checkpoint_intent() const { return snapshots_ + "/fold.intent"; }
  std::string folder(engine::AttemptName name) const;
  std::string file(engine::AttemptName name, const std::string& part) const {
    return folder(name) + "/" + part;
  }

 private:
  std::string snapshots_;
};

/// `task-3-attempt-1`: the attempt's own name on disk, whatever its phase.
std::string folder_name(engine::AttemptName name);

}  // namespace interlock::snapshots
