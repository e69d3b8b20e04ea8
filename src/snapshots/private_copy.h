#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "snapshots/harvest.h"
#include "snapshots/worktree_copy.h"

namespace interlock::snapshots {

/// What a private copy held when it was made, or where it was last joined: what its changes are
/// told apart by.
struct CopyBase {
  struct Entry {
    changes::State state;
    Stamp stamp;  ///< In the copy.
  };
  std::map<std::string, Entry> entries;
  bool in_git = false;           ///< What git ignores is then no part of it.
  std::set<std::string> nested;  ///< Folders that are repositories of their own.

  /// Read again by `base_from_text`.
  std::string to_text() const;
};
Result<CopyBase> base_from_text(std::string_view text);

/// A copy of a folder at a path of its own, for programs that are told where to work and cannot be
/// put into a view. In a git repository it is a repository of its own without what git ignores (see
/// `Worktree`), else it holds all files, links and folders.
class PrivateCopy {
 public:
  /// `root`: absolute; the top of a repository, or a folder in none. The copy comes into
  /// `folder`/tree. Texts of up to 1 MiB are also kept in `texts`, by digest: joining needs them.
  PrivateCopy(std::string root, std::string folder, std::string texts);

  std::string tree() const { return folder_ + "/tree"; }

  /// Makes it, in git on a new branch of this name.
  Result<CopyBase> make(const std::string& branch) const;

  /// What is different in it now. Left out, and said so: new files that git ignores, what is in a
  /// `.git`, sockets, pipes and devices.
  Result<Harvested> changes(const CopyBase& base) const;

  /// What is at a path of the copy now, as an entry of its base; nothing where nothing is.
  Result<std::optional<CopyBase::Entry>> entry(const std::string& path) const;

  /// A text of a base; nothing where it is none, is longer or was not kept.
  std::optional<std::string> text(const changes::State& state) const;
  Result<void> keep_text(std::string_view bytes) const;

 private:
  Result<std::map<std::string, Stamp>> copy_plain() const;

  std::string root_, folder_, texts_;
};

inline constexpr std::size_t kJoinedTextBytesMax = 1u << 20;

}  // namespace interlock::snapshots
