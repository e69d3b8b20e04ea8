#include "snapshots/reads.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

namespace fs = std::filesystem;
using changes::Change;
using changes::Kind;
using changes::ReadsFrom;
using workspace::folder_of;
using workspace::name_of;
using workspace::Stack;

class Reads {
 public:
  explicit Reads(const Stack& found) : found_(found) {}

  void opened(const std::string& path) { take(path, true); }
  void looked_at(const std::string& path) { take(path, false); }
  void content(const std::string& path) { put(content_, path); }

  void changed(const Change& change) {
    if (change.before.kind == Kind::absent) {
      absent(change.path);
    } else {
      put(content_, change.path);
      if (change.before.kind == Kind::folder && change.after.kind != Kind::folder)
        put(listing_, change.path);
    }
  }

  changes::ReadSet set(ReadsFrom from) const {
    changes::ReadSet reads{
        from, {content_.begin(), content_.end()}, {listing_.begin(), listing_.end()}, {}};
    for (const std::string& path : presence_) {
      if (!content_.contains(path)) reads.presence.push_back(path);
    }
    return reads;
  }

 private:
  void take(const std::string& path, bool opened) {
    const auto what = found_.look(path);
    if (!what) {
      absent(path);
    } else if (opened && S_ISDIR(what->status.st_mode)) {
      put(listing_, path);
    } else if (opened && (S_ISREG(what->status.st_mode) || S_ISLNK(what->status.st_mode))) {
      put(content_, path);
    } else {
      put(presence_, path);
    }
  }

  /// That nothing was there depends on the folders above as well, down to the last that is there:
  /// one that is missing could be made, and that one become a link to where there is something.
  void absent(const std::string& path) {
    put(presence_, path);
    for (std::string above(folder_of(path)); !above.empty(); above = folder_of(above)) {
      put(presence_, above);
      if (found_.look(above)) return;
    }
  }

  void put(std::set<std::string>& set, const std::string& path) {
    if (!workspace::is_version_control(path) && (!path.empty() || &set == &listing_))
      set.insert(path);
  }

  const Stack& found_;
  std::set<std::string> content_, listing_, presence_;
};

/// Absolute paths, however the attempt spelt them, as paths of the workspace.
class Inside {
 public:
  explicit Inside(const std::string& root) : root_(root) {}

  std::optional<std::string> path(const std::string& absolute) {
    if (absolute == root_) return std::string();
    if (absolute.starts_with(root_ + "/")) return absolute.substr(root_.size() + 1);
    for (const char* top : {"/proc", "/sys", "/dev"}) {
      if (workspace::is_at_or_below(absolute, top)) return std::nullopt;
    }
    // A link outside may lead in; one question a folder, for there are few of them.
    const std::string folder(folder_of(absolute));
    const auto [at, is_new] = known_.try_emplace(folder);
    if (is_new) {
      std::error_code error;
      at->second = fs::weakly_canonical(folder.empty() ? "/" : folder, error).string();
    }
    const std::string real = workspace::join(at->second, workspace::name_of(absolute));
    if (real == root_) return std::string();
    if (real.starts_with(root_ + "/")) return real.substr(root_.size() + 1);
    return std::nullopt;
  }

 private:
  const std::string& root_;
  std::map<std::string, std::string> known_;
};

/// What observed paths lead to in one tree. Paths come sorted, so the way to a folder is found once
/// for all that is in it.
class Leading {
 public:
  explicit Leading(const Stack& tree) : tree_(tree) {}

  template <typename Take>
  void resolve(const std::string& path, Reads& reads, Take take) {
    const std::string folder(folder_of(path));
    if (!is_known_ || folder != folder_) {
      folder_ = folder;
      way_ = tree_.follow(folder);
      is_known_ = true;
      for (const std::string& link : way_.links) reads.opened(link);
    }
    if (!way_.path) return;
    const std::string plain = path.empty() ? path : workspace::join(*way_.path, name_of(path));
    const auto found = tree_.look(plain);
    if (!found || !S_ISLNK(found->status.st_mode)) return take(plain);
    const Stack::Way way = tree_.follow(plain);
    for (const std::string& link : way.links) reads.opened(link);
    if (way.path) take(*way.path);
  }

 private:
  const Stack& tree_;
  std::string folder_;
  Stack::Way way_;
  bool is_known_ = false;
};

template <typename Take>
void resolve(const std::set<std::string>& paths, const Trees& trees, bool left_differs,
             Reads& reads, Take take) {
  Inside inside(trees.at);
  Leading found(trees.found);
  Leading left(trees.left);
  for (const std::string& absolute : paths) {
    const auto path = inside.path(absolute);
    if (!path || workspace::is_version_control(*path)) continue;
    found.resolve(*path, reads, take);
    if (left_differs) left.resolve(*path, reads, take);
  }
}

Result<void> declare(const footprint::PatternSet& patterns, const Stack& found, Reads& reads) {
  auto entries = found.entries(patterns);
  if (!entries) return std::unexpected(entries.error());
  for (const workspace::Entry& entry : *entries) reads.content(entry.path);
  for (const footprint::Glob& glob : patterns.include) {
    if (glob.is_literal() && !found.look(glob.literal_prefix()))
      reads.looked_at(glob.literal_prefix());
  }
  return {};
}

}  // namespace

Result<KnownReads> reads_of(const engine::Observed& observed, const footprint::Footprint& footprint,
                            const changes::Changeset& changes, const Trees& trees) {
  Reads reads(trees.found);
  ReadsFrom from = ReadsFrom::observed;
  std::string gap;
  if (observed.complete) {
    // Only a link it made leads elsewhere than what it found there.
    const bool made_links = std::ranges::any_of(
        changes.changes, [](const Change& change) { return change.after.kind == Kind::link; });
    resolve(observed.opened, trees, made_links, reads,
            [&](const std::string& p) { reads.opened(p); });
    resolve(observed.looked_at, trees, made_links, reads,
            [&](const std::string& p) { reads.looked_at(p); });
  } else {
    const bool is_anything = footprint.unknown || observed.may_have_read_anything;
    from = is_anything ? ReadsFrom::everything : ReadsFrom::declared;
    gap = observed.gap.empty() ? "what it read was not watched" : observed.gap;
    if (!is_anything) {
      if (auto done = declare(footprint.reads, trees.found, reads); !done)
        return std::unexpected(done.error());
    }
  }
  for (const Change& change : changes.changes) reads.changed(change);
  return KnownReads{reads.set(from), std::move(gap)};
}

changes::ReadSet reads_seen(const engine::Observed& observed, const Stack& found,
                            const std::string& at) {
  Reads reads(found);
  Inside inside(at);
  for (const std::string& absolute : observed.opened) {
    if (const auto path = inside.path(absolute)) reads.opened(*path);
  }
  for (const std::string& absolute : observed.looked_at) {
    if (const auto path = inside.path(absolute)) reads.looked_at(*path);
  }
  return reads.set(ReadsFrom::observed);
}

}  // namespace interlock::snapshots
