#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/worker_ports.h"
#include "support/fake_picture.h"

namespace interlock::testing_support {

/// A workspace in memory: paths and contents. It outlives its dispatchers, as the disk does.
class FakeWorkspace final : public engine::Workspace, public engine::AttemptFolders {
 public:
  /// Called with the name of the call at the beginning of each; what it throws goes through: a
  /// crash between two calls.
  std::function<void(std::string_view call)> before_call;

  /// What a call that can fail fails with, when set and when it answers something: nothing is done
  /// then.
  std::function<std::optional<Error>(std::string_view call)> fails;

  std::map<std::string, std::string> files;
  /// When set, says what all calls see instead of `files`: with what is committed and not yet
  /// folded.
  std::function<std::map<std::string, std::string>()> committed;
  /// Likewise the folders, empty ones too; else those that files lie in.
  std::function<std::set<std::string>()> committed_folders;
  /// What was put into attempts' folders, by absolute path.
  std::map<std::string, std::string> attempt_files;
  /// Likewise into tasks' own folders.
  std::map<std::string, std::string> homes;

  std::set<engine::AttemptName> open_attempts() const { return open_; }

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
  /// A program that runs there writes a file of its attempt's folder, or removes it.
  void leave_in_attempt(engine::AttemptName name, const std::string& file,
                        const std::optional<std::string>& content);
  Result<std::string> home(TaskId task) override;
  Result<std::string> put_home(TaskId task, const std::string& file,
                               std::string_view content) override;

 private:
  void call(std::string_view name) const {
    if (before_call) before_call(name);
  }

  std::optional<Error> failure(std::string_view name) const {
    return fails ? fails(name) : std::nullopt;
  }
  std::map<std::string, std::string> seen() const { return committed ? committed() : files; }
  FakeTree tree() const;
  std::vector<engine::CacheKeyPart> cache_key_parts_of(const footprint::PatternSet& patterns) const;
  void forget(engine::AttemptName name);

  std::set<engine::AttemptName> open_;
};

}  // namespace interlock::testing_support
