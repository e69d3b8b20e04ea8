#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/write_set.h"

namespace interlock::testing_support {

/// A workspace as plain values: files of mode 0644 and folders of mode 0755. A folder is made on
/// the way to a file, and stays when the last file in it has gone, as on a disk.
class FakeTree {
 public:
  /// What a changeset made in bytes: a file's new content, or that it is gone. Folders follow.
  using Edits = std::map<std::string, std::optional<std::string>>;

  const std::map<std::string, std::string>& files() const { return files_; }
  const std::set<std::string>& folders() const { return folders_; }

  const std::string* find(const std::string& path) const;
  changes::State state(const std::string& path) const;
  /// The names in a folder, folders' too; `""` is the workspace.
  std::vector<std::string> names_in(const std::string& folder) const;

  /// False where a folder is there, or a file on the way to it.
  bool write(const std::string& path, const std::string& content);
  void erase(const std::string& path) { files_.erase(path); }
  void keep_folder(const std::string& path) { folders_.insert(path); }
  void apply(const Edits& edits);

  bool operator==(const FakeTree&) const = default;

 private:
  std::map<std::string, std::string> files_;
  std::set<std::string> folders_;
};

changes::Changeset difference(const FakeTree& before, const FakeTree& after);

/// What a simulated agent works on. All it reads is remembered, also what was not there.
class FakeSnapshot {
 public:
  explicit FakeSnapshot(FakeTree found) : found_(found), now_(std::move(found)) {}

  /// Nothing where no file is. Valid until the next change.
  const std::string* read(const std::string& path);
  std::vector<std::string> list(const std::string& folder);
  /// Whether a file or a folder is there.
  bool exists(const std::string& path);
  /// False, with nothing done, where a folder is there or a file on the way to it.
  bool write(const std::string& path, const std::string& content);
  /// Nothing is done where no file is.
  void erase(const std::string& path);

  const FakeTree& found() const { return found_; }
  const FakeTree& now() const { return now_; }
  /// What was touched in vain is in it too: a file written back as it was, one that came and went,
  /// one deleted that was not there. It is no change, but it would be one had others changed it.
  changes::ReadSet reads() const;
  /// Likewise.
  changes::WriteSet writes() const;

 private:
  FakeTree found_, now_;
  std::set<std::string> content_, listing_, presence_, touched_, updated_;
};

}  // namespace interlock::testing_support
