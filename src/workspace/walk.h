#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "footprint/glob.h"

namespace interlock::workspace {

/// Something in the workspace, as `lstat` tells it.
struct Entry {
  std::string path;  ///< Relative to the workspace.
  struct stat status{};
  std::string place = {};  ///< Where it is, absolute, when that is not below the workspace folder.
};

/// How far links go that a pattern names.
enum class Links : unsigned char {
  within,   ///< To folders of the same tree. Tasks make links too, and `/` is below some of them.
  anywhere  ///< For what a person wrote down before anything ran.
};

/// All below `root` that matches: files, folders, links and the rest, sorted by the bytes of their
/// paths.
///
/// Starts at the patterns' literal prefixes and enters only folders below which something can
/// match, so that time follows what is named and not the size of the tree. Enters no `.git`, not
/// `skip` (a path relative to the root; empty: nothing), and links to folders only where a pattern
/// names them. What vanishes meanwhile is left out; a folder that cannot be read is an error that
/// names it. No link that is put there meanwhile is followed. It breaks off (EINTR) where a signal
/// asks the dispatcher to end.
Result<std::vector<Entry>> walk(const std::string& root, const footprint::PatternSet& patterns,
                                const std::string& skip = {}, Links links = Links::within);

}  // namespace interlock::workspace
