#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "footprint/glob.h"
#include "workspace/descriptor.h"
#include "workspace/layers.h"
#include "workspace/walk.h"

namespace interlock::workspace {

/// A workspace folder with layers upon it, read as one tree. The newest layer that says anything
/// about a path decides; changesets list each path they change, so nothing has to be guessed from
/// folders above. The same as an overlay mount of the folders would show, without one.
class Stack {
 public:
  /// `layers` in the order of their commits. `root` is absolute, without links.
  Stack(std::string root, std::vector<Layer> layers);

  struct Found {
    std::string place;  ///< Absolute: where the bytes are.
    struct stat status{};
  };
  /// What is at `path`, links not followed anywhere; "" is the workspace. Nothing: it is not there.
  std::optional<Found> look(const std::string& path) const;

  /// The names in a folder, `.git` too; empty where there is no folder.
  std::set<std::string> names(const std::string& folder) const;
  /// All below a folder, each folder before what is in it. Enters no `.git`; `holds_git` is set
  /// when there is one.
  std::vector<std::string> below(const std::string& folder, bool* holds_git = nullptr) const;

  /// Where `path` leads.
  struct Way {
    std::optional<std::string> path;  ///< Links resolved; nothing when that is outside.
    std::string outside;              ///< Then: where, absolute.
    std::vector<std::string> links;   ///< Those on the way, the last one too.
  };
  Way follow(const std::string& path) const;

  /// As `walk`, of the one tree. `skip` as there.
  Result<std::vector<Entry>> entries(const footprint::PatternSet& patterns,
                                     const std::string& skip = {}) const;

  const std::string& root() const { return root_; }
  /// The workspace folder, open as a place.
  int top() const { return top_.number(); }
  /// Opens what is at a place below the root, or in a layer, that `look` or `entries` told of. No
  /// link is followed: ELOOP.
  Descriptor open(const std::string& place, int flags) const;

 private:
  const changes::Change* newest(const std::string& path, const Layer** from) const;
  bool leads_elsewhere(const std::string& path) const;
  void map_in(const std::string& start, const footprint::PatternSet& patterns,
              std::map<std::string, Entry>& entries) const;
  std::optional<Entry> entry_at(const std::string& path) const;

  std::string root_;
  std::vector<Layer> layers_;
  Descriptor top_;
};

}  // namespace interlock::workspace
