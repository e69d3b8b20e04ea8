#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/job_trees.h"
#include "snapshots/job_files.h"

namespace interlock::snapshots {

/// From now on this process and its children see mounts that are made here, and nobody else does.
/// Asked for before there is a thread. An error says what this host does not allow.
Result<void> enter_own_mounts();

/// Where one job after the other is run on this machine: its folders, each mounted at the path that
/// it has on the dispatcher's, with an overlay upon the workspace. What of the workspace was there
/// for the job before is not fetched again.
///
/// Contract: `enter_own_mounts` was called. One job at a time.
class MountedPlace final : public engine::JobPlace {
 public:
  /// `folder`: of this place alone, absolute; emptied. `log_file`: the name of an attempt's file in
  /// its log folder.
  MountedPlace(std::string folder, std::function<std::string(engine::AttemptName)> log_file);
  ~MountedPlace() override;
  MountedPlace(const MountedPlace&) = delete;

  Result<engine::SpawnSpec> set_up(const engine::JobSpec& spec, engine::JobFiles& files) override;
  Result<engine::JobResult> take(const engine::Exited& exited, engine::JobFiles& files) override;
  void clear() override;

 private:
  Result<void> mount(const std::string& from, const std::string& at);
  Result<void> make_mount_point(const std::string& at);
  Result<void> set_up_folder(const engine::JobSpec::Folder& folder, const std::string& tree,
                             std::vector<engine::JobEntry>& there, engine::JobFiles& files);

  std::string folder_;
  std::function<std::string(engine::AttemptName)> log_file_;
  std::string kept_for_;                    ///< Whose tree is kept.
  std::vector<engine::JobEntry> kept_;      ///< And what it holds.
  std::vector<std::string> mounts_, made_;  ///< In the order of making.
};

}  // namespace interlock::snapshots
