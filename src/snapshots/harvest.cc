#include "snapshots/harvest.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "base/text.h"
#include "snapshots/files.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

using changes::Change;
using changes::Kind;
using changes::State;
using workspace::join;

constexpr std::int64_t kBeforeBytesMax = 64 << 20;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::string_view word_for(mode_t mode) {
  if (S_ISSOCK(mode)) return "socket";
  if (S_ISFIFO(mode)) return "pipe";
  return "device";
}

class Walk {
 public:
  Walk(const std::string& upper, const workspace::Stack& lower) : upper_(upper), lower_(lower) {}

  Result<Harvested> run() {
    if (auto entered = enter("", false); !entered) return std::unexpected(entered.error());
    std::ranges::sort(harvested_.changes.changes, {}, &Change::path);
    return std::move(harvested_);
  }

 private:
  Result<std::set<std::string>> names_in(const std::string& folder) const {
    const std::string place = folder.empty() ? upper_ : upper_ + "/" + folder;
    const std::unique_ptr<DIR, CloseFolder> open(::opendir(place.c_str()));
    if (!open) return cannot("read", place, errno);
    std::set<std::string> names;
    while (const dirent* one = ::readdir(open.get())) {
      const std::string_view name = one->d_name;
      if (name != "." && name != "..") names.emplace(name);
    }
    return names;
  }

  /// `covered`: nothing of what the lower has in this folder shows through.
  Result<void> enter(const std::string& folder, bool covered) {
    const auto names = names_in(folder);
    if (!names) return std::unexpected(names.error());
    for (const std::string& name : *names) {
      const std::string path = join(folder, name);
      if (name == ".git") {
        remark(fmt::format("what it changed in `{}` was left out", printable(path)));
      } else if (auto looked = look(path, covered); !looked) {
        return looked;
      }
    }
    if (!covered) return {};
    for (const std::string& name : lower_.names(folder)) {
      if (name == ".git" || names->contains(name)) continue;
      if (auto taken = take_away(join(folder, name)); !taken) return std::unexpected(taken.error());
    }
    return {};
  }

  Result<void> look(const std::string& path, bool covered) {
    const std::string place = upper_ + "/" + path;
    if (path.size() > kPathBytesMax) return nested_too_deeply(path);
    if (check_.is_due()) return cannot("look at", place, EINTR);
    struct stat status{};
    if (::lstat(place.c_str(), &status) != 0) return cannot("look at", place, errno);
    const auto found = lower_.look(path);
    if (is_whiteout(status)) {
      const auto taken = found ? take_away(path) : Result<bool>(true);
      return taken ? Result<void>() : std::unexpected(taken.error());
    }
    if (S_ISDIR(status.st_mode)) return look_at_folder(path, status, found, covered);
    if (kind_of(status.st_mode) == Kind::other) {
      remark(fmt::format("the {} `{}` was left out", word_for(status.st_mode), printable(path)));
      return {};
    }
    if (found && S_ISDIR(found->status.st_mode)) {
      const auto emptied = empty(path);
      if (!emptied) return std::unexpected(emptied.error());
      if (!*emptied) return keep_folder(path), Result<void>();
    }
    auto after = state_at(place, status, true, true);
    if (!after) return std::unexpected(after.error());
    return add(path, found, *after);
  }

  Result<void> look_at_folder(const std::string& path, const struct stat& status,
                              const std::optional<workspace::Stack::Found>& found, bool covered) {
    const std::string place = upper_ + "/" + path;
    const State after{Kind::folder, status.st_mode & 07777, 0, {}};
    const bool merged = found && S_ISDIR(found->status.st_mode) && !covered && !is_opaque(place);
    if (auto added = add(path, found, after); !added) return added;
    if (::geteuid() != 0 && (status.st_mode & S_IRWXU) != S_IRWXU)
      ::chmod(place.c_str(), (status.st_mode & 07777) | S_IRWXU);
    return enter(path, !merged);
  }

  Result<void> add(const std::string& path, const std::optional<workspace::Stack::Found>& found,
                   const State& after) {
    Change change{path, {}, after};
    if (found) {
      const auto before = state_at(found->place, found->status, false, true);
      if (!before) return std::unexpected(before.error());
      change.before = *before;
    }
    if (change.before != change.after) {
      harvested_.changes.changes.push_back(std::move(change));
    } else if (after.kind != Kind::folder) {
      // A folder is in the upper also when only something below it was written.
      harvested_.rewritten.push_back(std::move(change.path));
    }
    return {};
  }

  /// What the lower has at `path` is gone, with all below it. False: a folder had to stay.
  Result<bool> take_away(const std::string& path) {
    if (check_.is_due()) return cannot("look at", path, EINTR);
    const auto found = lower_.look(path);
    if (!found) return true;
    if (S_ISDIR(found->status.st_mode)) {
      const auto emptied = empty(path);
      if (!emptied) return emptied;
      if (!*emptied) return keep_folder(path), false;
    } else if (kind_of(found->status.st_mode) == Kind::other) {
      remark(fmt::format("the {} `{}` was left where it is", word_for(found->status.st_mode),
                         printable(path)));
      return false;
    }
    if (auto added = add(path, found, {}); !added) return std::unexpected(added.error());
    return true;
  }

  /// All that the lower has in a folder is gone; false: all but version control data and the like.
  Result<bool> empty(const std::string& folder) {
    bool all = true;
    for (const std::string& name : lower_.names(folder)) {
      const auto taken = name == ".git" ? Result<bool>(false) : take_away(join(folder, name));
      if (!taken) return taken;
      all = all && *taken;
    }
    return all;
  }

  void keep_folder(const std::string& path) {
    remark(fmt::format("the folder `{}` was kept: there is a `.git`, a socket or the like in it",
                       printable(path)));
  }

  void remark(std::string text) { harvested_.remarks.push_back(std::move(text)); }

  const std::string& upper_;
  const workspace::Stack& lower_;
  Harvested harvested_;
  sys::InterruptionCheck check_;
};

Result<void> copy_file(const workspace::Stack::Found& found, const std::string& to) {
  const auto from = open_file(found.place, found.status, false);
  if (!from) return std::unexpected(from.error());
  const sys::Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return cannot("write", to, errno);
  return copy_bytes(from->get(), file.get(), to);
}

}  // namespace

Result<Harvested> harvest_upper(const std::string& upper, const workspace::Stack& lower) {
  return Walk(upper, lower).run();
}

Result<std::vector<std::string>> keep_before(const std::string& before,
                                             const changes::Changeset& changes,
                                             const workspace::Stack& lower) {
  std::vector<std::string> remarks;
  std::string made;
  if (auto folder = make_folders(before); !folder) return std::unexpected(folder.error());
  sys::InterruptionCheck check;
  for (const Change& change : changes.changes) {
    if (check.is_due()) return cannot("keep", change.path, EINTR);
    const bool has_bytes = change.before.kind == Kind::file || change.before.kind == Kind::link;
    const auto found = has_bytes ? lower.look(change.path) : std::nullopt;
    // A change of the mode alone leaves its bytes where they are found again: in `after`.
    if (!found || change.before.digest == change.after.digest) continue;
    if (change.before.size > kBeforeBytesMax) {
      remarks.push_back(fmt::format("the old content of `{}` is not kept: it is above 64 MiB",
                                    printable(change.path)));
      continue;
    }
    const std::string to = workspace::join(before, change.path);
    const std::string folder(workspace::folder_of(to));
    if (folder != made) {
      if (auto done = make_folders(folder); !done) return std::unexpected(done.error());
      made = folder;
    }
    if (change.before.kind == Kind::link) {
      if (::symlink(link_target(found->place).c_str(), to.c_str()) != 0)
        return cannot("keep", change.path, errno);
    } else if (auto copied = copy_file(*found, to); !copied) {
      return std::unexpected(copied.error());
    }
  }
  return remarks;
}

}  // namespace interlock::snapshots
