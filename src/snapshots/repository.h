#pragma once

#include <string>

#include "base/result.h"

namespace interlock::snapshots {

/// The person's repository that a workspace lies in.
struct Repository {
  std::string top;      ///< Its files; the workspace is there or below.
  std::string git_dir;  ///< Of this checkout; absolute, as are those below.
  std::string common;   ///< Of all its checkouts: configuration, branches.
  std::string objects;
  std::string format;  ///< `sha1` or `sha256`.
  std::string root;    ///< The workspace: what tasks can write.

  /// So many zeros say "nothing".
  std::string no_hash() const { return std::string(format == "sha256" ? 64 : 40, '0'); }
};

/// The folder with the `.git` that `root` lies in; empty: in none.
std::string repository_top(const std::string& root);

/// Asks git, and refuses with the reason: in none, another user's that git does not trust, damaged.
Result<Repository> repository_of(const std::string& root);

/// Refuses where no branch `interlock/...` can be made, as there is one called `interlock`.
Result<void> has_room_for_branches(const Repository& repository);

/// Whether the repository ignores the folder of the workspace as a whole: then none of its files
/// comes into a worktree or a commit.
bool ignores_workspace(const Repository& repository, const std::string& root);

/// `<top>/src` in `<top>` is `src/`; the top itself "".
std::string prefix_of(const std::string& root, const std::string& top);

}  // namespace interlock::snapshots
