#include "snapshots/apply.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ranges>

#include "base/digest.h"
#include "snapshots/files.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

using changes::Kind;
using changes::State;
using sys::Descriptor;
using workspace::folder_of;

namespace {

std::string name_in(const std::string& path) { return std::string(workspace::name_of(path)); }

bool gives_way(const Checkpoint::Target& target) {
  return target.is_due && target.actual.kind == Kind::folder &&
         (target.after.kind == Kind::file || target.after.kind == Kind::link);
}

/// Whether this is what `Checkpoint::check` found, and nobody is about to change it: one who opened
/// it for writing before it was taken away still writes into it.
Result<bool> is_as_found(int folder, const std::string& name, const State& expected) {
  if (expected.kind == Kind::file) {
    const sys::Descriptor file(
        ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    // A lease is not to be had while somebody writes. Who may have none goes by the content.
    ::fcntl(file.get(), F_SETSIG, SIGURG);
    const bool leased = static_cast<bool>(file) && ::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0;
    if (file && !leased && errno == EAGAIN) return false;
    struct stat status{};
    if (file && ::fstat(file.get(), &status) == 0 && status.st_size != expected.size) return false;
    const auto actual = state_beneath(folder, name, true);
    if (leased) ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    if (!actual && sys::is_asked_to_end()) return std::unexpected(actual.error());
    return actual && *actual == expected;
  }
  const auto actual = state_beneath(folder, name);
  return actual && *actual == expected;
}

bool is_unknown_here(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

/// Gives `from` the name `to` where nothing has it; else false, with errno. File systems that
/// cannot do that at once are asked first.
bool move_to_free(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (!is_unknown_here(errno)) return false;
  if (::faccessat(folder, to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return errno = EEXIST, false;
  return ::renameat(folder, from.c_str(), folder, to.c_str()) == 0;
}

}  // namespace

Beside::Beside(const std::string& prefix, const std::string& path) {
  const std::string own = prefix + digest_of(path).hex().substr(0, 16);
  half_ = own + ".tmp";
  aside_ = own + ".new";
}

Result<void> requeue(int folder, const Beside& beside, const std::string& path) {
  const std::string name = name_in(path);
  if (move_to_free(folder, beside.aside(), name)) return {};
  if (errno != EEXIST) return cannot("put back", path, errno);
  // Two saves, one on the other: both are kept.
  for (int number = 1; number < 1000; ++number) {
    const std::string free = fmt::format("{}.saved-{}", name.substr(0, 200), number);
    if (move_to_free(folder, beside.aside(), free)) return {};
    if (errno != EEXIST) break;
  }
  return cannot("put back", path, errno);
}

Apply::Apply(int top, std::string temporary_prefix, std::function<void()> before_step)
    : top_(top),
      temporary_prefix_(std::move(temporary_prefix)),
      before_step_(std::move(before_step)) {}

Result<void> Apply::run(const Targets& targets) {
  if (auto made = make_room(targets); !made) return made;
  sys::InterruptionCheck check;  // The next checkpoint goes on.
  for (const auto& [path, target] : targets) {
    if (!target.is_due || target.after.kind == Kind::absent || lies_below_conflict(path)) continue;
    if (check.is_due()) return cannot("write", path, EINTR);
    if (auto placed = place(path, target); !placed) return placed;
  }
  for (const auto& [path, target] : targets | std::views::reverse) {
    if (!target.is_due || target.after.kind != Kind::absent) continue;
    if (check.is_due()) return cannot("delete", path, EINTR);
    if (auto gone = remove(path, target.actual); !gone) return gone;
  }
  for (const auto& [path, target] : targets | std::views::reverse) {
    if (target.after.kind == Kind::folder && !met_.contains(path))
      set_folder_mode(path, target.after.mode);
  }
  return {};
}

/// Whether a folder on the way did not come to be, because somebody stood in its place.
bool Apply::lies_below_conflict(const std::string& path) const {
  for (std::string above(folder_of(path)); !above.empty(); above = folder_of(above)) {
    if (met_.contains(above)) return true;
  }
  return false;
}

Result<void> Apply::make_room(const Targets& targets) {
  for (const auto& [path, target] : targets) {
    if (!gives_way(target)) continue;
    const std::string below = path + "/";
    std::vector<std::pair<std::string, State>> going{{path, target.actual}};
    for (auto it = targets.lower_bound(below); it != targets.end(); ++it) {
      if (!it->first.starts_with(below)) break;
      going.emplace_back(it->first, it->second.actual);
    }
    for (const auto& [one, found] : going | std::views::reverse) {
      if (auto gone = remove(one, found); !gone) return gone;
    }
  }
  for (const auto& [path, target] : targets) {
    const bool makes_way = target.is_due && target.after.kind == Kind::folder &&
                           target.actual.kind != Kind::folder && target.actual.kind != Kind::absent;
    if (!makes_way) continue;
    if (auto gone = remove(path, target.actual); !gone) return gone;
  }
  return {};
}

Result<void> Apply::remove(const std::string& path, const State& found) {
  const Kind kind = found.kind;
  if (kind == Kind::absent || !removed_.insert(path).second) return {};
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  step();
  if (kind == Kind::folder) {
    if (::unlinkat(folder->get(), name_in(path).c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
      return {};
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
      return cannot("delete", path, errno);
    met_.insert(path);
    return {};
  }
  const Beside beside(temporary_prefix_, path);
  if (!move_to_free(folder->get(), name_in(path), beside.aside()))
    return errno == ENOENT ? Result<void>() : cannot("delete", path, errno);
  return settle_aside(folder->get(), beside, path, found);
}

/// What stood at `path` lies aside: it goes when it is what `check` found, else it comes back.
Result<void> Apply::settle_aside(int folder, const Beside& beside, const std::string& path,
                                 const State& expected) {
  step();
  const auto as_found = is_as_found(folder, beside.aside(), expected);
  if (!as_found) return std::unexpected(as_found.error());
  if (!*as_found) {
    met_.insert(path);
    return requeue(folder, beside, path);
  }
  if (::unlinkat(folder, beside.aside().c_str(), 0) != 0 && errno != ENOENT)
    return cannot("delete", beside.aside(), errno);
  return {};
}

/// What is to come lies aside, whole.
Result<void> Apply::put_in_place(int folder, const Beside& beside, const std::string& path,
                                 const Checkpoint::Target& target) {
  const std::string name = name_in(path);
  const auto give_way = [&]() -> Result<void> {
    met_.insert(path);
    ::unlinkat(folder, beside.aside().c_str(), 0);
    return {};
  };
  step();
  if (target.actual.kind == Kind::absent || removed_.contains(path)) {
    if (met_.contains(path)) return give_way();
    if (move_to_free(folder, beside.aside(), name)) return {};
    return errno == EEXIST ? give_way() : cannot("write", path, errno);
  }
  if (::renameat2(folder, beside.aside().c_str(), folder, name.c_str(), RENAME_EXCHANGE) == 0) {
    step();
    const auto as_found = is_as_found(folder, beside.aside(), target.actual);
    if (!as_found) return std::unexpected(as_found.error());
    if (*as_found) {
      if (::unlinkat(folder, beside.aside().c_str(), 0) == 0) return {};
      return cannot("delete", beside.aside(), errno);
    }
    // Theirs goes back; ours goes, unless somebody has written into it in between.
    if (::renameat2(folder, beside.aside().c_str(), folder, name.c_str(), RENAME_EXCHANGE) != 0)
      return requeue(folder, beside, path);
    const auto untouched = is_as_found(folder, beside.aside(), target.after);
    if (!untouched) return std::unexpected(untouched.error());
    if (*untouched) return give_way();
    met_.insert(path);
    return requeue(folder, beside, path);
  }
  if (errno == ENOENT) return give_way();
  if (!is_unknown_here(errno)) return cannot("write", path, errno);
  // A file system that exchanges nothing: as near to the look as can be.
  const auto as_found = is_as_found(folder, name, target.actual);
  if (!as_found) return std::unexpected(as_found.error());
  if (!*as_found) return give_way();
  if (::renameat(folder, beside.aside().c_str(), folder, name.c_str()) == 0) return {};
  return cannot("write", path, errno);
}

Result<void> Apply::place(const std::string& path, const Checkpoint::Target& target) {
  switch (target.after.kind) {
    case Kind::folder: return make_folder(path, target);
    case Kind::file: return place_file(path, target);
    case Kind::link: return place_link(path, target);
    case Kind::absent:
    case Kind::other: return {};
  }
  return {};
}

Result<void> Apply::make_folder(const std::string& path, const Checkpoint::Target& target) {
  if (target.actual.kind == Kind::folder) return {};
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string name = name_in(path);
  step();
  if (::mkdirat(folder->get(), name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return cannot("make the folder", path, errno);
    struct stat there{};
    const bool is_folder =
        ::fstatat(folder->get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(there.st_mode);
    if (!is_folder) met_.insert(path);
    return {};
  }
  struct stat status{};
  if (::geteuid() == 0 && ::lstat((target.source + "/" + path).c_str(), &status) == 0 &&
      ::fchownat(folder->get(), name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) !=
          0)
    return cannot("give away", path, errno);
  return {};
}

Result<void> Apply::place_file(const std::string& path, const Checkpoint::Target& target) {
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string name = name_in(path);
  if (target.actual.kind == Kind::file && target.actual.digest == target.after.digest) {
    step();
    const auto now = state_beneath(folder->get(), name, true);
    if (!now && sys::is_asked_to_end()) return std::unexpected(now.error());
    if (!now || *now != target.actual) return met_.insert(path), Result<void>();
    if (!set_mode(folder->get(), name, target.after.mode))
      return cannot("set the mode of", path, errno);
    return {};
  }
  const Beside beside(temporary_prefix_, path);
  step();
  auto written = write_file(folder->get(), beside.half(), path, target);
  step();
  if (written &&
      ::renameat(folder->get(), beside.half().c_str(), folder->get(), beside.aside().c_str()) != 0)
    written = cannot("write", path, errno);
  if (written) return put_in_place(folder->get(), beside, path, target);
  ::unlinkat(folder->get(), beside.half().c_str(), 0);
  return written;
}

Result<void> Apply::write_file(int folder, const std::string& name, const std::string& path,
                               const Checkpoint::Target& target) {
  const std::string source = target.source + "/" + path;
  struct stat status{};
  if (::lstat(source.c_str(), &status) != 0) return cannot("read", source, errno);
  const auto from = open_file(source, status, true);
  if (!from) return std::unexpected(from.error());
  const sys::Descriptor to(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) return cannot("write", path, errno);
  step();
  if (auto copied = copy_bytes(from->get(), to.get(), path); !copied) return copied;
  if (::geteuid() == 0 && ::fchown(to.get(), status.st_uid, status.st_gid) != 0)
    return cannot("give away", path, errno);
  // Of the file that gives way first: the layer's file system may have no room for them.
  const sys::Descriptor old(
      target.actual.kind == Kind::file
          ? ::openat(folder, name_in(path).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
          : -1);
  if (old) {
    struct stat before{};
    // Another group of ours, which a new file does not get by itself.
    if (::geteuid() != 0 && ::fstat(old.get(), &before) == 0) {
      [[maybe_unused]] const int given = ::fchown(to.get(), static_cast<uid_t>(-1), before.st_gid);
    }
    copy_attributes(old.get(), to.get());
  }
  copy_attributes(from->get(), to.get());
  // Last: owners and access lists change it.
  if (::fchmod(to.get(), target.after.mode) != 0) return cannot("set the mode of", path, errno);
  // In the order in which the attempt wrote them: make goes by it.
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  ::futimens(to.get(), times.data());
  return {};
}

Result<void> Apply::place_link(const std::string& path, const Checkpoint::Target& target) {
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string points_to = link_target(target.source + "/" + path);
  const Beside beside(temporary_prefix_, path);
  step();
  if (::symlinkat(points_to.c_str(), folder->get(), beside.aside().c_str()) != 0)
    return cannot("make the link", path, errno);
  return put_in_place(folder->get(), beside, path, target);
}

Result<sys::Descriptor> Apply::folder_for(const std::string& path) const {
  sys::Descriptor folder =
      workspace::open_beneath(top_, std::string(folder_of(path)), O_PATH | O_DIRECTORY);
  if (!folder) return cannot("open the folder of", path, errno);
  return folder;
}

void Apply::clear_half_written(const std::string& folder) {
  if (!cleared_.insert(folder).second) return;
  const sys::Descriptor opened = workspace::open_beneath(top_, folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return;
  const std::string here = fmt::format("/proc/self/fd/{}", opened.get());
  for (const std::string& name : workspace::Stack(here, {}).names("")) {
    if (name.starts_with(temporary_prefix_) && name.ends_with(".tmp"))
      ::unlinkat(opened.get(), name.c_str(), 0);
  }
}

void Apply::open_folder(const std::string& path, mode_t mode) {
  const sys::Descriptor folder = workspace::open_beneath(top_, path, O_PATH | O_DIRECTORY);
  step();
  if (folder) set_mode(folder.get(), "", mode | S_IRWXU);
}

void Apply::set_folder_mode(const std::string& path, mode_t mode) {
  const sys::Descriptor folder = workspace::open_beneath(top_, path, O_PATH | O_DIRECTORY);
  struct stat status{};
  if (!folder || ::fstat(folder.get(), &status) != 0) return;
  if ((status.st_mode & 07777) == mode) return;
  step();
  set_mode(folder.get(), "", mode);
}

}  // namespace interlock::snapshots
