#include "snapshots/writes.h"

#include <filesystem>
#include <optional>
#include <set>

#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

namespace fs = std::filesystem;
using changes::Kind;
using workspace::Stack;

class Writes {
 public:
  explicit Writes(const Trees& trees) : trees_(trees) {}

  void changed(const std::string& path) { put(paths_, path); }

  void reported(const std::string& absolute, bool updates) {
    const auto folder = inside(std::string(workspace::folder_of(absolute)));
    if (!folder) return;
    const Stack::Way way = trees_.left.follow(*folder);
    if (!way.path) return;
    const std::string path = workspace::join(*way.path, workspace::name_of(absolute));
    note(path, updates);
    const auto left = trees_.left.look(path);
    if (!left || !S_ISLNK(left->status.st_mode)) return;
    if (const Stack::Way end = trees_.left.follow(path); end.path) note(*end.path, updates);
  }

  changes::WriteSet set(bool complete) const {
    return {complete,
            {paths_.begin(), paths_.end()},
            {passing_.begin(), passing_.end()},
            {updated_.begin(), updated_.end()}};
  }

 private:
  /// As a path of the workspace; nothing: it lies elsewhere.
  std::optional<std::string> inside(const std::string& absolute) const {
    if (absolute == trees_.at) return std::string();
    if (absolute.starts_with(trees_.at + "/")) return absolute.substr(trees_.at.size() + 1);
    for (const char* top : {"/proc", "/sys", "/dev"}) {
      if (workspace::is_at_or_below(absolute, top)) return std::nullopt;
    }
    std::error_code error;
    const std::string real =
        fs::weakly_canonical(absolute.empty() ? "/" : absolute, error).string();
    if (real == trees_.at) return std::string();
    if (real.starts_with(trees_.at + "/")) return real.substr(trees_.at.size() + 1);
    return std::nullopt;
  }

  void note(const std::string& path, bool updates) {
    const auto found = trees_.found.look(path);
    const auto left = trees_.left.look(path);
    if (!found && !left) return put(passing_, path);
    // A folder that was there and still is was not made, whatever was tried.
    if (found && left && S_ISDIR(found->status.st_mode) && S_ISDIR(left->status.st_mode)) return;
    put(paths_, path);
    if (updates) put(updated_, path);
  }

  static void put(std::set<std::string>& set, const std::string& path) {
    if (!path.empty() && !workspace::is_version_control(path)) set.insert(path);
  }

  const Trees& trees_;
  std::set<std::string> paths_, passing_, updated_;
};

}  // namespace

changes::WriteSet writes_of(const engine::Observed& observed, const changes::Changeset& changes,
                            const std::vector<std::string>& rewritten, const Trees& trees) {
  Writes writes(trees);
  for (const changes::Change& change : changes.changes) writes.changed(change.path);
  for (const std::string& path : rewritten) writes.changed(path);
  for (const std::string& path : observed.written)
    writes.reported(path, observed.updated.contains(path));
  return writes.set(observed.complete);
}

}  // namespace interlock::snapshots
