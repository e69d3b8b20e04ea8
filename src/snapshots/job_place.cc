#include "snapshots/job_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ranges>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/harvest.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using engine::JobEntry;

namespace {

/// The numbers of this user and group are the same within.
bool map_own_ids(uid_t user, gid_t group) {
  const auto put = [](const char* file, const std::string& text) {
    const sys::Descriptor to(::open(file, O_WRONLY | O_CLOEXEC));
    return to && ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  return put("/proc/self/setgroups", "deny") &&
         put("/proc/self/uid_map", fmt::format("{} {} 1", user, user)) &&
         put("/proc/self/gid_map", fmt::format("{} {} 1", group, group));
}

/// What is mounted from here on must not show in the namespace we came from. In a chroot `/` is no
/// mount, and only mounts can be made private: then at the root of all mounts, and back.
bool keep_mounts() {
  const auto make_private = [] {
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  };
  if (make_private()) return true;
  if (errno != EINVAL) return false;
  const sys::Descriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const sys::Descriptor folder(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const sys::Descriptor own(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  return root && folder && own && ::setns(own.get(), CLONE_NEWNS) == 0 && make_private() &&
         ::fchdir(root.get()) == 0 && ::chroot(".") == 0 && ::fchdir(folder.get()) == 0;
}

}  // namespace

Result<void> enter_own_mounts() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const int apart = user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  const bool may =
      ::unshare(apart) == 0 && (user == 0 || map_own_ids(user, group)) && keep_mounts();
  if (may) return {};
  return fail(Error::Kind::refused,
              fmt::format("a worker needs mounts of its own, and this host allows none: {}",
                          std::strerror(errno)),
              "run it as root, or where user namespaces are allowed");
}

MountedPlace::MountedPlace(std::string folder,
                           std::function<std::string(engine::AttemptName)> log_file)
    : folder_(std::move(folder)), log_file_(std::move(log_file)) {
  remove_tree(folder_);
}

MountedPlace::~MountedPlace() {
  clear();
  remove_tree(folder_);
}

Result<engine::SpawnSpec> MountedPlace::set_up(const engine::JobSpec& spec,
                                               engine::JobFiles& files) {
  clear();
  engine::SpawnSpec spawn = spec.spawn;
  engine::Sandbox::Snapshot& snapshot = *spawn.sandbox->snapshot;
  if (workspace::is_at_or_below(folder_, snapshot.at))
    return fail(Error::Kind::refused, "the worker's own state folder lies in the workspace's path");
  const std::string tree = folder_ + "/workspace";
  if (kept_for_ != snapshot.at) {
    remove_tree(tree);
    kept_.clear();
    kept_for_ = snapshot.at;
  }
  if (auto made = set_up_folder(spec.folders.front(), tree, kept_, files); !made) {
    // Half of it may be there.
    kept_for_.clear();
    return std::unexpected(made.error());
  }
  if (auto mounted = mount(tree, snapshot.at); !mounted) return std::unexpected(mounted.error());
  for (std::size_t at = 1; at < spec.folders.size(); ++at) {
    const std::string own = fmt::format("{}/own-{}", folder_, at);
    std::vector<JobEntry> nothing;
    auto made = set_up_folder(spec.folders[at], own, nothing, files);
    if (made) made = mount(own, spec.folders[at].path);
    if (!made) return std::unexpected(made.error());
  }
  for (const engine::Sandbox::Bind& bind : spawn.sandbox->binds) {
    if (auto made = make_mount_point(bind.at); !made) return std::unexpected(made.error());
  }
  snapshot.upper = folder_ + "/upper";
  snapshot.work = folder_ + "/work";
  snapshot.layers.clear();
  struct stat like{};
  if (::lstat(tree.c_str(), &like) != 0) return cannot("look at", tree, errno);
  for (const std::string& part : {snapshot.upper, snapshot.work}) {
    if (auto made = make_folders(part); !made) return std::unexpected(made.error());
  }
  if (::chmod(snapshot.upper.c_str(), like.st_mode & 07777) != 0)
    return cannot("set the mode of", snapshot.upper, errno);
  spawn.log_folder = folder_ + "/logs";
  return spawn;
}

Result<void> MountedPlace::set_up_folder(const engine::JobSpec::Folder& folder,
                                         const std::string& tree, std::vector<JobEntry>& there,
                                         engine::JobFiles& files) {
  const auto text = files.get(folder.content);
  if (!text) return std::unexpected(text.error());
  auto entries = engine::read_job_entries(*text);
  if (!entries) return std::unexpected(entries.error());
  if (auto made = make_folders(tree); !made) return made;
  if (auto made = make_tree(tree, there, *entries, files); !made) return made;
  there = std::move(*entries);
  return {};
}

/// Empty folders that are missing on the way are taken away again.
Result<void> MountedPlace::make_mount_point(const std::string& at) {
  if (!fs::path(at).is_absolute() || fs::path(at).lexically_normal() != fs::path(at))
    return fail(Error::Kind::invalid, fmt::format("`{}` is not a folder's path", printable(at)));
  fs::path way;
  for (const fs::path& part : fs::path(at)) {
    way /= part;
    struct stat status{};
    if (::stat(way.c_str(), &status) == 0) {
      if (!S_ISDIR(status.st_mode)) return cannot("mount upon", way.string(), ENOTDIR);
      continue;
    }
    if (::mkdir(way.c_str(), 0755) != 0) {
      return fail(Error::Kind::refused,
                  fmt::format("this machine has no folder `{}`, and it cannot be made: {}",
                              printable(at), std::strerror(errno)));
    }
    made_.push_back(way.string());
  }
  return {};
}

Result<void> MountedPlace::mount(const std::string& from, const std::string& at) {
  if (auto made = make_mount_point(at); !made) return made;
  if (::mount(from.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return cannot("mount upon", at, errno);
  mounts_.push_back(at);
  return {};
}

Result<engine::JobResult> MountedPlace::take(const engine::Exited& exited,
                                             engine::JobFiles& files) {
  engine::JobResult result;
  result.exited = exited;
  const std::string upper = folder_ + "/upper";
  auto harvested = harvest_upper(upper, workspace::Stack(folder_ + "/workspace", {}));
  if (!harvested) return std::unexpected(harvested.error());
  result.remarks = std::move(harvested->remarks);
  for (const changes::Change& change : harvested->changes.changes)
    result.left.push_back({change.path, change.after});
  ListedTree sent;
  for (const std::string& path : harvested->rewritten) {
    struct stat status{};
    const std::string place = upper + "/" + path;
    if (::lstat(place.c_str(), &status) != 0) continue;
    const auto state = state_at(place, status, true);
    if (!state) return std::unexpected(state.error());
    result.left.push_back({path, *state});
  }
  std::ranges::sort(result.left, {}, &JobEntry::path);
  for (const JobEntry& entry : result.left) {
    const std::string place = upper + "/" + entry.path;
    if (entry.state.kind == changes::Kind::file) sent.places.emplace(entry.state.digest, place);
    if (entry.state.kind == changes::Kind::link)
      sent.targets.emplace(entry.state.digest, link_target(place));
  }
  if (auto done = send(sent, files); !done) return std::unexpected(done.error());
  const std::string log = folder_ + "/logs/" + log_file_(exited.name);
  if (auto bytes = workspace::read_file(log, static_cast<std::size_t>(kJobBytesMax))) {
    result.log = digest_of(*bytes);
    if (auto put = files.put(*result.log, *bytes); !put) return std::unexpected(put.error());
  }
  return result;
}

void MountedPlace::clear() {
  for (const std::string& at : mounts_ | std::views::reverse) ::umount2(at.c_str(), MNT_DETACH);
  for (const std::string& at : made_ | std::views::reverse) ::rmdir(at.c_str());
  mounts_.clear();
  made_.clear();
  std::error_code trouble;
  std::vector<std::string> parts;
  for (const auto& part : fs::directory_iterator(folder_, trouble)) {
    if (part.path().filename() != "workspace") parts.push_back(part.path().string());
  }
  for (const std::string& part : parts) remove_tree(part);
}

}  // namespace interlock::snapshots
