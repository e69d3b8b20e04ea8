#include "changes/changeset.h"

#include <algorithm>

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

}  // namespace interlock::changes
