#include "snapshots/freeze.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <ranges>
#include <set>

#include "snapshots/files.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

using changes::Change;
using changes::Kind;
using workspace::folder_of;

struct Folder {
  mode_t mode = 0755;
  uid_t owner = 0;
  gid_t group = 0;
};

Folder folder_like(const struct stat& status) {
  return {status.st_mode & 07777, status.st_uid, status.st_gid};
}

/// The folders between the top and what changed that are no change themselves; "" among them.
std::set<std::string> ways_to(const changes::Changeset& changes) {
  std::set<std::string> ways{""};
  for (const Change& change : changes.changes) {
    for (std::string_view folder = folder_of(change.path); !folder.empty();
         folder = folder_of(folder)) {
      if (ways.contains(std::string(folder))) break;
      const Change* own = changes.find(folder);
      if (own == nullptr) ways.emplace(folder);
    }
  }
  return ways;
}

class Freeze {
 public:
  Freeze(const std::string& tree, std::string after, const changes::Changeset& changes,
         const workspace::Stack& lower)
      : tree_(tree), after_(std::move(after)), changes_(changes), lower_(lower) {}

  Result<void> run() {
    remove_tree(after_);
    if (auto made = make_way(""); !made) return made;
    for (const Change& change : changes_.changes) {
      if (auto placed = place(change); !placed) return placed;
    }
    // Last and from the bottom up: a closed folder takes nothing in.
    for (const auto& [path, folder] : folders_ | std::views::reverse) {
      const std::string at = after_ + (path.empty() ? "" : "/" + path);
      if (::geteuid() == 0 && ::lchown(at.c_str(), folder.owner, folder.group) != 0)
        return cannot("give away", at, errno);
      if (::chmod(at.c_str(), folder.mode) != 0) return cannot("set the mode of", at, errno);
    }
    return {};
  }

 private:
  Result<void> place(const Change& change) {
    const Change* above = changes_.find(folder_of(change.path));
    const bool in_the_open = above == nullptr || above->after.kind == Kind::folder;
    if (change.after.kind == Kind::absent && !in_the_open) return {};
    if (auto made = make_way(std::string(folder_of(change.path))); !made) return made;
    const std::string from = tree_ + "/" + change.path;
    const std::string to = after_ + "/" + change.path;
    if (change.after.kind == Kind::absent) return make_whiteout(to);
    if (change.after.kind == Kind::folder) {
      struct stat status{};
      if (::lstat(from.c_str(), &status) != 0) return cannot("look at", from, errno);
      Folder folder = folder_like(status);
      folder.mode = change.after.mode;  // The walk may have opened it to itself.
      return make(change.path, folder);
    }
    if (::rename(from.c_str(), to.c_str()) != 0) return cannot("keep", from, errno);
    return {};
  }

  Result<void> make_way(const std::string& path) {
    if (folders_.contains(path)) return {};
    if (!path.empty()) {
      if (auto made = make_way(std::string(folder_of(path))); !made) return made;
    }
    const auto found = lower_.look(path);
    return make(path, found ? folder_like(found->status) : Folder{});
  }

  Result<void> make(const std::string& path, const Folder& folder) {
    const std::string at = after_ + (path.empty() ? "" : "/" + path);
    if (::mkdir(at.c_str(), 0700) != 0) return cannot("make the folder", at, errno);
    folders_.emplace(path, folder);
    return {};
  }

  const std::string& tree_;
  const std::string after_;
  const changes::Changeset& changes_;
  const workspace::Stack& lower_;
  std::map<std::string, Folder> folders_;
};

}  // namespace

Result<void> freeze(const std::string& tree, const std::string& after,
                    const changes::Changeset& changes, const workspace::Stack& lower) {
  const std::string half = after + ".half";
  if (auto frozen = Freeze(tree, half, changes, lower).run(); !frozen) return frozen;
  if (::rename(half.c_str(), after.c_str()) != 0) return cannot("keep", after, errno);
  return {};
}

void settle_folders(const std::string& after, const changes::Changeset& changes,
                    const workspace::Stack& below) {
  const workspace::Descriptor top(::open(after.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const std::string& folder : ways_to(changes)) {
    const auto found = below.look(folder);
    if (found && S_ISDIR(found->status.st_mode))
      set_mode(top.number(), folder, found->status.st_mode & 07777);
  }
}

}  // namespace interlock::snapshots
