#include "changes/changeset.h"

#include <algorithm>
#include <map>
#include <set>

namespace interlock::changes {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::absent: return "absent";
    case Kind::file: return "file";
    case Kind::folder: return "folder";
    case Kind::link: return "link";
    case Kind::other: return "other";
  }
  return "";
}

const Change* Changeset::find(std::string_view path) const {
  const auto at = std::ranges::lower_bound(changes, path, {}, &Change::path);
  return at != changes.end() && at->path == path ? &*at : nullptr;
}

namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::vector<Rename> renames_in(const Changeset& changeset) {
  // Empty files are all alike: nothing says that one of them is another.
  std::map<Digest, std::vector<std::string>> gone;
  for (const Change& change : changeset.changes) {
    if (change.before.kind == Kind::file && change.after.kind == Kind::absent &&
        change.before.size > 0) {
      gone[change.before.digest].push_back(change.path);
    }
  }
  std::vector<Rename> renames;
  // First those that kept their name in another folder, so that of several copies the likely one is
  // taken; then the rest, each with the first that is left.
  std::set<std::string_view> paired;
  for (const bool same_name : {true, false}) {
    for (const Change& change : changeset.changes) {
      if (change.before.kind != Kind::absent || change.after.kind != Kind::file) continue;
      const auto from = gone.find(change.after.digest);
      if (from == gone.end() || paired.contains(change.path)) continue;
      const auto old = std::ranges::find_if(from->second, [&](const std::string& path) {
        return !same_name || base_name(path) == base_name(change.path);
      });
      if (old == from->second.end()) continue;
      renames.push_back({*old, change.path});
      from->second.erase(old);
      paired.insert(change.path);
    }
  }
  std::ranges::sort(renames, {}, &Rename::from);
  return renames;
}

}  // namespace interlock::changes
