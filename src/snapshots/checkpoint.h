#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "workspace/descriptor.h"
#include "workspace/layers.h"

namespace interlock::snapshots {

/// Brings the net change of some layers into the workspace folder.
///
///     check -> (begin -> apply -> finish)
///
/// A person may save at any instant. So nothing is ever written over or deleted unseen: what stands
/// at a path is exchanged for what is to come, looked at, and put back where it is not what `check`
/// found. `begin` makes it durable that a checkpoint is under way. Whatever instant it is broken
/// off at, each path then is as it was, as it shall be, or (where a folder gives way to a file or
/// the other way round) not there; the next checkpoint knows from the intent that this may be, and
/// goes on.
class Checkpoint {
 public:
  struct Options {
    std::string root;
    std::string intent;                 ///< The file that says that a checkpoint is under way.
    std::string temporary_prefix;       ///< Of names beside a path: see `Beside`.
    std::function<void()> before_step;  ///< For tests: called before each change to the disk.
  };
  /// `layers` in the order of their commits; they must outlive it.
  Checkpoint(Options options, const std::vector<workspace::Layer>& layers);

  /// Paths that are neither as the layers took for granted nor as they leave them: somebody else's.
  Result<std::vector<std::string>> check();
  Result<void> begin();
  /// Paths at which somebody saved meanwhile: they are as that one left them, and all others are
  /// done; the checkpoint is then not to be finished.
  Result<std::vector<std::string>> apply();
  /// All is in the workspace, and durable.
  Result<void> finish();

  struct Target {
    changes::State before, after, actual;
    std::string source;                   ///< The layer folder that holds `after`.
    std::vector<changes::State> between;  ///< What earlier checkpoints may have left.
    bool is_due = false;
  };

 private:
  bool is_ours(const Target& target) const;
  void check_neighbours(const std::string& path, const Target& target,
                        std::vector<std::string>& foreign) const;
  Result<void> read_intent();
  Result<void> restore_what_was_kept();
  void find_closed();

  Options options_;
  workspace::Descriptor top_;
  bool goes_on_ = false;  ///< An earlier fold was broken off.
  std::map<std::string, Target> targets_;
  std::map<std::string, mode_t> closed_;  ///< Folders opened to us for the while, and their modes.
};

}  // namespace interlock::snapshots
