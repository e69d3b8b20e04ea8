#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/job_trees.h"
#include "snapshots/job_files.h"

namespace interlock::snapshots {

/// Packs the workspace as an attempt's snapshot shows it, and the attempt's own folders; puts what
/// came back into the snapshot. Used by one thread.
class SnapshotPacking final : public engine::JobPacker {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  ///< The dispatcher's own.
    std::vector<std::string_view> passed_on;         ///< Names that attempts are given of it.
    /// The name of an attempt's file in its log folder.
    std::function<std::string(engine::AttemptName)> log_file;
    /// False: a log like this is not kept. None: all are.
    std::function<bool(std::string_view)> may_keep = {};
  };
  explicit SnapshotPacking(Options options) : options_(std::move(options)) {}

  Result<engine::JobSpec> pack(const engine::SpawnSpec& spawn, engine::JobFiles& files) override;
  Result<void> unpack(const engine::SpawnSpec& spawn, const engine::JobResult& result,
                      engine::JobFiles& files) override;

 private:
  Result<engine::JobSpec::Folder> pack_folder(const workspace::Stack& tree,
                                              engine::JobFiles& files);

  Options options_;
  KnownDigests known_;
};

}  // namespace interlock::snapshots
