#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/worker_ports.h"
#include "workspace/content.h"
#include "workspace/layers.h"
#include "workspace/stack.h"

namespace interlock::workspace {

/// The workspace folder itself: tasks read and write it in place. What is of `AttemptFolders` may
/// be asked for by several threads, of different attempts.
class LocalWorkspace final : public engine::Workspace, public engine::AttemptFolders {
 public:
  /// `root` is absolute, without links. Tasks get their folders below
  /// `<state>/runs/<run>/attempts/`, attempts theirs as own_places.h says; the state folder is
  /// never part of a fingerprint, also when it lies in the workspace.
  LocalWorkspace(std::string root, const std::string& state, const std::string& run);

  Result<Digest> fingerprint(const footprint::PatternSet& patterns) override;
  Result<std::vector<engine::CacheKeyPart>> fingerprints(
      const footprint::PatternSet& patterns) override;
  Result<std::vector<engine::CacheKeyPart>> states(const changes::ReadSet& reads) override;
  Result<std::string> read(const std::string& path, std::size_t max_bytes) override;
  Result<std::string> open_attempt(engine::AttemptName name) override;
  Result<std::string> put(engine::AttemptName name, const std::string& file,
                          std::string_view content) override;
  Result<std::string> take(engine::AttemptName name, const std::string& file,
                           std::size_t max_bytes) override;
  void close_attempt(engine::AttemptName name) override;
  Result<std::string> home(TaskId task) override;
  Result<std::string> put_home(TaskId task, const std::string& file,
                               std::string_view content) override;
  /// Removes what attempts and tasks had for themselves.
  void sweep();

  /// From now on files are read as the committed changes leave them. `layers` must outlive it;
  /// nullptr: the folder alone.
  void show(const Layers* layers) { layers_ = layers; }

  /// Files whose bytes were read, as against known by their times: for tests and benchmarks.
  std::size_t hashed_count() const { return contents_.hashed_count(); }

 private:
  std::string attempt_folder(engine::AttemptName name) const;

  Stack stack() const;
  Result<std::vector<engine::CacheKeyPart>> collect(const footprint::PatternSet& patterns,
                                                    const std::optional<Digest>& beyond);
  Result<void> add_outside(const Stack& stack, const footprint::PatternSet& patterns,
                           const std::optional<Digest>& beyond,
                           std::vector<engine::CacheKeyPart>& cache_key_parts);

  const Layers* layers_ = nullptr;
  std::string root_;
  std::string skip_;      ///< The state folder, relative to the root, when it lies below it.
  std::string attempts_;  ///< Tasks' own folders lie here ...
  std::vector<std::string> places_;  ///< ... and attempts' in the first that is short enough.
  Contents contents_;
};

}  // namespace interlock::workspace
