#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "snapshots/git.h"
#include "snapshots/repository.h"
#include "workspace/layers.h"

// Trees and commits made in the object database alone: by way of an index of our own.
namespace interlock::snapshots {

/// What an index is to hold at a path of the repository.
struct Leaf {
  changes::Kind kind = changes::Kind::absent;
  mode_t mode = 0;
  std::string place;  ///< Where its bytes are.
};
using Leaves = std::map<std::string, Leaf>;

/// Of layers upon a workspace that lies at `prefix`; the newest decides.
Leaves leaves_of(const std::vector<workspace::Layer>& layers, const std::string& prefix);

/// For people.
std::string in_no_commit(const std::string& repository);

/// Brings an index to what the leaves say, with the bytes that git itself would store: through the
/// line ends and filters of the person's configuration, by the attributes of HEAD alone, so that no
/// task says which of them is run on what. Filters run in a folder of ours (`scratch`, which must
/// not be there), so they find no program that a task could have written.
///
/// Submodules stay as they are. What cannot be stored is left as it was; the remarks say so.
Result<std::vector<std::string>> put_in_index(const Repository& repository,
                                              const std::string& index, Leaves leaves,
                                              const std::string& scratch);

/// Writes the index as a tree and commits that in the name of the person who is configured, or of
/// Interlock. `parent` may be empty. The commit's hash.
Result<std::string> commit_index(const Git& git, const std::string& parent,
                                 const std::string& message);

/// The commit a name stands for; empty: there is none.
std::string commit_of(const Git& git, const std::string& name);

/// An entry of an index.
struct IndexEntry {
  std::string mode, hash, path;
  int stage = 0;         ///< Other than 0: a merge is under way.
  bool skipped = false;  ///< Not meant to be among the files (sparse checkouts).
  bool trusted = false;  ///< `assume-unchanged`: git would not look.

  bool is_repository() const { return mode == "160000"; }
};
Result<std::vector<IndexEntry>> entries_of(const Git& git);

}  // namespace interlock::snapshots
