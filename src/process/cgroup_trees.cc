#include "process/cgroup_trees.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/digest.h"
#include "process/launch.h"
#include "sys/process_identity.h"

namespace interlock::process {
namespace {

constexpr std::string_view kFolderPrefix = "interlock-";

/// The mount point of the version 2 hierarchy: `<id> <parent> <dev> <root> <mount point> ... -
/// cgroup2 ...`.
std::optional<std::string> mount_point() {
  const std::string mounts = sys::read_whole("/proc/self/mountinfo").value_or("");
  for (std::string_view rest = mounts; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.find(" - cgroup2 ") == std::string_view::npos) continue;
    std::string_view field = line;
    for (int skipped = 0; skipped < 4; ++skipped) field.remove_prefix(field.find(' ') + 1);
    return std::string(field.substr(0, field.find(' ')));
  }
  return std::nullopt;
}

/// The path of a process's version 2 cgroup below the mount point: the line `0::/...` of
/// /proc/PID/cgroup.
std::optional<std::string> cgroup_of(const std::string& pid) {
  const std::string text = sys::read_whole("/proc/" + pid + "/cgroup").value_or("");
  const auto at = text.starts_with("0::") ? 0 : text.find("\n0::");
  if (at == std::string::npos) return std::nullopt;
  const auto begin = text.find("0::", at) + 3;
  std::string path = text.substr(begin, text.find('\n', begin) - begin);
  return path == "/" ? "" : path;
}

Result<std::string> own_folder() {
  const auto mount = mount_point();
  if (!mount) return fail(Error::Kind::missing, "no cgroup v2 hierarchy is mounted");
  const auto path = cgroup_of("self");
  if (!path) return fail(Error::Kind::missing, "this process is in no cgroup v2");
  return *mount + *path;
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error)) found.push_back(entry->path().string());
  }
  std::ranges::sort(found);
  return found;
}

/// A cgroup and those below it. One whose last process just died can be busy for a moment.
bool remove_cgroup(const std::string& path, int patience_ms) {
  for (const std::string& below : folders_in(path)) remove_cgroup(below, patience_ms);
  while (::rmdir(path.c_str()) != 0) {
    if (errno == ENOENT) return true;
    if (errno != EBUSY || patience_ms-- <= 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Names whose process numbers are ours: a container may see cgroups of others.
std::string pid_namespace() {
  struct stat status{};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? fmt::format("{}", status.st_ino) : "0";
}

/// Whether a folder `interlock-<pid>-<start ticks>-...` belongs to a dispatcher that is no more.
bool is_of_the_dead(const std::string& folder) {
  const auto name = std::filesystem::path(folder).filename().string();
  if (!name.starts_with(kFolderPrefix)) return false;
  char* rest = nullptr;
  const auto pid = std::strtoll(name.c_str() + kFolderPrefix.size(), &rest, 10);
  if (*rest != '-') return false;
  return !sys::is_alive({sys::boot_id(), pid, std::strtoll(rest + 1, nullptr, 10)});
}

/// The end of a leaf's name: of which run it is, as its label begins with that (`RUN/TASK#N`).
std::string run_mark(const std::string& label) {
  return "-" + digest_of(label.substr(0, label.find('/'))).hex().substr(0, 16);
}

std::vector<sys::ProcessStat> processes_in(const std::string& leaf) {
  std::vector<sys::ProcessStat> found;
  const std::string list = sys::read_whole(leaf + "/cgroup.procs").value_or("");
  for (const char* at = list.c_str(); *at != '\0';) {
    char* end = nullptr;
    const auto pid = static_cast<pid_t>(std::strtol(at, &end, 10));
    if (end == at) break;
    at = *end == '\n' ? end + 1 : end;
    if (const auto seen = sys::stat_of(pid); seen && seen->alive()) found.push_back(*seen);
  }
  return found;
}

Error refused(const std::string& what, const std::string& path) {
  return {Error::Kind::io,
          fmt::format("cannot {} the cgroup `{}`: {}", what, path, std::strerror(errno)), ""};
}

}  // namespace

class CgroupTrees::Grown final : public Tree {
 public:
  Grown(CgroupTrees& keeper, Leaf leaf, std::unique_ptr<Tree> strays)
      : keeper_(keeper), leaf_(std::move(leaf)), strays_(std::move(strays)) {}
  /// A leaf that was killed is not used again: on some kernels (seen on 6.18) whatever clone3 then
  /// puts into it is killed at birth, as the kill's sequence number is compared with the parent's
  /// own cgroup's.
  ~Grown() override {
    if (!killed_) {
      keeper_.free_.push_back(std::move(leaf_));
    } else {
      ::rmdir(
          leaf_.path
              .c_str());  // While it is still busy it stays, until the keeper removes the folder.
    }
  }

  int birthplace() const override { return leaf_.folder.get(); }
  int emptied() const override { return is_left_ ? -1 : leaf_.events.get(); }
  void root_born(const sys::ProcessStat& root) override { strays_->root_born(root); }
  void root_gone() override { strays_->root_gone(); }

  bool empty() override {
    is_left_ = leaf_is_empty();
    return is_left_ && strays_->empty();
  }

  std::vector<sys::ProcessStat> members() override {
    auto members = processes_in(leaf_.path);
    return members.empty() ? strays_->members() : members;
  }

  void send(int signal) override {
    send_into_leaf(signal);
    if (is_left_) strays_->send(signal);
  }

 private:
  bool leaf_is_empty() const {
    char text[128];
    const ssize_t got = ::pread(leaf_.events.get(), text, sizeof text, 0);
    return got > 0 && std::string_view(text, static_cast<std::size_t>(got)).find("populated 0") !=
                          std::string_view::npos;
  }

  void send_into_leaf(int signal) {
    if (signal != SIGKILL) {
      for (const sys::ProcessStat& member : processes_in(leaf_.path))
        sys::send_signal(member, signal);
      return;
    }
    const sys::Descriptor file(::openat(leaf_.folder.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
    killed_ = true;
    if (!file || ::write(file.get(), "1", 1) != 1) {
      for (const sys::ProcessStat& member : processes_in(leaf_.path))
        sys::send_signal(member, signal);
    }
  }

  CgroupTrees& keeper_;
  Leaf leaf_;
  std::unique_ptr<Tree> strays_;
  bool killed_ = false;
  bool is_left_ = false;  ///< As of the last look, nobody is in the leaf.
};

Result<std::unique_ptr<CgroupTrees>> CgroupTrees::open() {
  const auto parent = own_folder();
  if (!parent) return std::unexpected(parent.error());
  for (const std::string& folder : folders_in(*parent)) {
    if (is_of_the_dead(folder))
      remove_cgroup(folder, 0);  // Fails where something still runs: see left_beside.
  }
  const auto self = sys::stat_of(::getpid());
  if (!self) return fail(Error::Kind::io, "cannot read /proc/self/stat");
  std::string folder;
  for (int count = 0;; ++count) {
    folder = fmt::format("{}/{}{}-{}-{}-{}", *parent, kFolderPrefix, self->pid, self->start_ticks,
                         count, pid_namespace());
    if (::mkdir(folder.c_str(), 0755) == 0) break;
    if (errno != EEXIST) return std::unexpected(refused("make", folder));
  }
  std::unique_ptr<CgroupTrees> trees(new CgroupTrees(folder));
  auto leaf = trees->make_leaf("");
  if (!leaf) return std::unexpected(leaf.error());
  errno = try_cgroup(leaf->folder.get());
  if (errno != 0) return std::unexpected(refused("start a process in", leaf->path));
  if (::faccessat(leaf->folder.get(), "cgroup.kill", W_OK, 0) != 0) {
    return std::unexpected(refused("kill", leaf->path));
  }
  return trees;
}

CgroupTrees::CgroupTrees(std::string folder)
    : folder_(std::move(folder)), strays_([this](pid_t orphan) {
        const auto mount = mount_point();
        const auto path = cgroup_of(std::to_string(orphan));
        // Who sits in a leaf is of that leaf's attempt, whatever it shed.
        return mount && path && !(*mount + *path).starts_with(folder_ + "/");
      }) {}

CgroupTrees::~CgroupTrees() {
  free_.clear();
  remove_cgroup(folder_, 100);
}

Result<CgroupTrees::Leaf> CgroupTrees::make_leaf(const std::string& mark) {
  Leaf leaf{
      .path = fmt::format("{}/{}{}", folder_, leaves_made_, mark), .folder = {}, .events = {}};
  if (::mkdir(leaf.path.c_str(), 0755) != 0) return std::unexpected(refused("make", leaf.path));
  ++leaves_made_;
  leaf.folder = sys::Descriptor(::open(leaf.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (leaf.folder)
    leaf.events =
        sys::Descriptor(::openat(leaf.folder.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!leaf.events) return std::unexpected(refused("open", leaf.path));
  return leaf;
}

Result<std::unique_ptr<Tree>> CgroupTrees::plant(const std::string& label) {
  const std::string mark = run_mark(label);
  if (free_.empty() || !free_.back().path.ends_with(mark)) {
    auto leaf = make_leaf(mark);
    if (!leaf) return std::unexpected(leaf.error());
    free_.push_back(std::move(*leaf));
  }
  Leaf leaf = std::move(free_.back());
  free_.pop_back();
  auto strays = strays_.plant(label);
  if (!strays) return strays;
  return std::make_unique<Grown>(*this, std::move(leaf), std::move(*strays));
}

std::vector<sys::ProcessStat> left_by_the_dead(const std::string& label) {
  std::vector<sys::ProcessStat> found;
  const auto parent = own_folder();
  if (!parent) return found;
  const std::string mark = run_mark(label);
  for (const std::string& folder : folders_in(*parent)) {
    if (!folder.ends_with("-" + pid_namespace()) || !is_of_the_dead(folder)) continue;
    for (const std::string& leaf : folders_in(folder)) {
      if (!leaf.ends_with(mark)) continue;
      for (const sys::ProcessStat& one : processes_in(leaf)) found.push_back(one);
    }
  }
  return found;
}

std::vector<sys::ProcessStat> left_beside(pid_t pid) {
  const auto mount = mount_point();
  const auto path = cgroup_of(std::to_string(pid));
  if (!mount || !path) return {};
  const std::string leaf = *mount + *path;
  return is_of_the_dead(std::filesystem::path(leaf).parent_path().string())
             ? processes_in(leaf)
             : std::vector<sys::ProcessStat>{};
}

}  // namespace interlock::process
