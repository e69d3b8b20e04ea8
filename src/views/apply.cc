#include "views/apply.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ranges>

#include "views/files.h"
#include "workspace/beneath.h"
#include "workspace/stack.h"

namespace interlock::views {

using changes::Kind;
using changes::State;
using workspace::Descriptor;
using workspace::folder_of;

namespace {

std::string name_in(const std::string& path) { return std::string(workspace::name_of(path)); }

bool gives_way(const Fold::Target& target) {
  return target.is_due && target.actual.kind == Kind::folder &&
         (target.after.kind == Kind::file || target.after.kind == Kind::link);
}

}  // namespace

Apply::Apply(int top, std::string temporary_prefix, std::function<void()> before_step)
    : top_(top),
      temporary_prefix_(std::move(temporary_prefix)),
      before_step_(std::move(before_step)) {}

Result<void> Apply::run(const Targets& targets) {
  if (auto made = make_room(targets); !made) return made;
  for (const auto& [path, target] : targets) {
    if (!target.is_due || target.after.kind == Kind::absent) continue;
    if (auto placed = place(path, target); !placed) return placed;
  }
  for (const auto& [path, target] : targets | std::views::reverse) {
    if (!target.is_due || target.after.kind != Kind::absent) continue;
    if (auto gone = remove(path, target.actual.kind); !gone) return gone;
  }
  for (const auto& [path, target] : targets | std::views::reverse) {
    if (target.after.kind == Kind::folder) set_folder_mode(path, target.after.mode);
  }
  return {};
}

Result<void> Apply::make_room(const Targets& targets) {
  for (const auto& [path, target] : targets) {
    if (!gives_way(target)) continue;
    const std::string below = path + "/";
    std::vector<std::pair<std::string, Kind>> going{{path, Kind::folder}};
    for (auto it = targets.lower_bound(below); it != targets.end(); ++it) {
      if (!it->first.starts_with(below)) break;
      going.emplace_back(it->first, it->second.actual.kind);
    }
    for (const auto& [one, kind] : going | std::views::reverse) {
      if (auto gone = remove(one, kind); !gone) return gone;
    }
  }
  for (const auto& [path, target] : targets) {
    const bool makes_way = target.is_due && target.after.kind == Kind::folder &&
                           target.actual.kind != Kind::folder && target.actual.kind != Kind::absent;
    if (!makes_way) continue;
    if (auto gone = remove(path, target.actual.kind); !gone) return gone;
  }
  return {};
}

Result<void> Apply::remove(const std::string& path, Kind kind) {
  if (kind == Kind::absent || !removed_.insert(path).second) return {};
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  step();
  const int flags = kind == Kind::folder ? AT_REMOVEDIR : 0;
  if (::unlinkat(folder->number(), name_in(path).c_str(), flags) != 0 && errno != ENOENT)
    return cannot("delete", path, errno);
  return {};
}

Result<void> Apply::place(const std::string& path, const Fold::Target& target) {
  switch (target.after.kind) {
    case Kind::folder: return make_folder(path, target);
    case Kind::file: return place_file(path, target);
    case Kind::link: return place_link(path, target);
    case Kind::absent:
    case Kind::other: return {};
  }
  return {};
}

Result<void> Apply::make_folder(const std::string& path, const Fold::Target& target) {
  if (target.actual.kind == Kind::folder) return {};
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string name = name_in(path);
  step();
  if (::mkdirat(folder->number(), name.c_str(), 0700) != 0)
    return cannot("make the folder", path, errno);
  struct stat status {};
  if (::geteuid() == 0 && ::lstat((target.source + "/" + path).c_str(), &status) == 0 &&
      ::fchownat(folder->number(), name.c_str(), status.st_uid, status.st_gid,
                 AT_SYMLINK_NOFOLLOW) != 0)
    return cannot("give away", path, errno);
  return {};
}

Result<void> Apply::place_file(const std::string& path, const Fold::Target& target) {
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string name = name_in(path);
  if (target.actual.kind == Kind::file && target.actual.digest == target.after.digest) {
    step();
    if (!set_mode(folder->number(), name, target.after.mode))
      return cannot("set the mode of", path, errno);
    return {};
  }
  const std::string half = temporary();
  step();
  auto written = write_file(folder->number(), half, path, target);
  step();
  if (written && ::renameat(folder->number(), half.c_str(), folder->number(), name.c_str()) != 0)
    written = cannot("write", path, errno);
  if (!written) ::unlinkat(folder->number(), half.c_str(), 0);
  return written;
}

Result<void> Apply::write_file(int folder, const std::string& name, const std::string& path,
                               const Fold::Target& target) {
  const std::string source = target.source + "/" + path;
  struct stat status {};
  if (::lstat(source.c_str(), &status) != 0) return cannot("read", source, errno);
  const auto from = open_file(source, status, true);
  if (!from) return std::unexpected(from.error());
  const Descriptor to(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to.is_open()) return cannot("write", path, errno);
  step();
  if (auto copied = copy_bytes(from->number(), to.number(), path); !copied) return copied;
  if (::geteuid() == 0 && ::fchown(to.number(), status.st_uid, status.st_gid) != 0)
    return cannot("give away", path, errno);
  // Of the file that gives way first: the layer's file system may have no room for them.
  const Descriptor old(
      target.actual.kind == Kind::file
          ? ::openat(folder, name_in(path).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
          : -1);
  if (old.is_open()) {
    struct stat before {};
    // Another group of ours, which a new file does not get by itself.
    if (::geteuid() != 0 && ::fstat(old.number(), &before) == 0) {
      [[maybe_unused]] const int given =
          ::fchown(to.number(), static_cast<uid_t>(-1), before.st_gid);
    }
    copy_attributes(old.number(), to.number());
  }
  copy_attributes(from->number(), to.number());
  // Last: owners and access lists change it.
  if (::fchmod(to.number(), target.after.mode) != 0) return cannot("set the mode of", path, errno);
  // In the order in which the attempt wrote them: make goes by it.
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  ::futimens(to.number(), times.data());
  return {};
}

Result<void> Apply::place_link(const std::string& path, const Fold::Target& target) {
  const auto folder = folder_for(path);
  if (!folder) return std::unexpected(folder.error());
  const std::string points_to = link_target(target.source + "/" + path);
  const std::string half = temporary();
  step();
  if (::symlinkat(points_to.c_str(), folder->number(), half.c_str()) != 0)
    return cannot("make the link", path, errno);
  step();
  if (::renameat(folder->number(), half.c_str(), folder->number(), name_in(path).c_str()) == 0)
    return {};
  const int why = errno;
  ::unlinkat(folder->number(), half.c_str(), 0);
  return cannot("make the link", path, why);
}

Result<Descriptor> Apply::folder_for(const std::string& path) const {
  Descriptor folder =
      workspace::open_beneath(top_, std::string(folder_of(path)), O_PATH | O_DIRECTORY);
  if (!folder.is_open()) return cannot("open the folder of", path, errno);
  return folder;
}

std::string Apply::temporary() {
  return fmt::format("{}{}.tmp", temporary_prefix_, temporaries_++);
}

void Apply::clear_half_written(const std::string& folder) {
  if (!cleared_.insert(folder).second) return;
  const Descriptor opened = workspace::open_beneath(top_, folder, O_RDONLY | O_DIRECTORY);
  if (!opened.is_open()) return;
  const std::string here = fmt::format("/proc/self/fd/{}", opened.number());
  for (const std::string& name : workspace::Stack(here, {}).names("")) {
    if (name.starts_with(temporary_prefix_) && name.ends_with(".tmp"))
      ::unlinkat(opened.number(), name.c_str(), 0);
  }
}

void Apply::open_folder(const std::string& path, mode_t mode) {
  const Descriptor folder = workspace::open_beneath(top_, path, O_PATH | O_DIRECTORY);
  step();
  if (folder.is_open()) set_mode(folder.number(), "", mode | S_IRWXU);
}

void Apply::set_folder_mode(const std::string& path, mode_t mode) {
  const Descriptor folder = workspace::open_beneath(top_, path, O_PATH | O_DIRECTORY);
  struct stat status {};
  if (!folder.is_open() || ::fstat(folder.number(), &status) != 0) return;
  if ((status.st_mode & 07777) == mode) return;
  step();
  set_mode(folder.number(), "", mode);
}

}  // namespace interlock::views
