#include "snapshots/baseline.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "snapshots/files.h"
#include "sys/descriptor.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {

using changes::Kind;
using sys::Descriptor;
using workspace::join;

namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

bool Baseline::Entry::same_thing(const struct stat& status) const {
  const bool is_same_file = is_settled && device == status.st_dev && inode == status.st_ino &&
                            mtime_ns == nanoseconds(status.st_mtim) &&
                            ctime_ns == nanoseconds(status.st_ctim);
  return is_same_file && state.kind == kind_of(status.st_mode) &&
         (state.kind != Kind::file || state.size == status.st_size);
}

const Baseline::Entry* Baseline::find(const std::string& path) const {
  const auto at = entries.find(path);
  return at == entries.end() ? nullptr : &at->second;
}

std::optional<bool> Baseline::had(const std::string& path) const {
  if (entries.contains(path)) return true;
  if (is_whole || known_absent.contains(path)) return false;
  return std::nullopt;
}

std::set<std::string> Baseline::names_in(const std::string& folder) const {
  std::set<std::string> names;
  const std::string prefix = folder.empty() ? "" : folder + "/";
  for (auto it = entries.lower_bound(prefix); it != entries.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    const std::string name = it->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) names.insert(name);
  }
  return names;
}

std::shared_ptr<const Baseline> Baselines::take(const footprint::Footprint* footprint,
                                                const std::set<std::string>& more) {
  Baseline baseline;
  bytes_left_ = kBytesMax;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  now_ns_ = nanoseconds(now);
  const sys::Descriptor top(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return std::make_shared<const Baseline>();
  if (!is_large_) {
    baseline.is_whole = walk(top.get(), "", baseline);
    is_large_ = !baseline.is_whole && baseline.entries.size() >= kEntriesMax;
  }
  if (!baseline.is_whole) {
    baseline = {};
    std::set<std::string> paths = more;
    if (footprint != nullptr) {
      for (const auto* patterns : {&footprint->reads, &footprint->writes}) {
        for (const footprint::Glob& glob : patterns->include) {
          if (glob.is_literal()) paths.insert(glob.literal_prefix());
        }
      }
    }
    for (const std::string& path : paths) {
      const sys::Descriptor folder = workspace::open_beneath(
          top.get(), std::string(workspace::folder_of(path)), O_RDONLY | O_DIRECTORY);
      if (folder) add(folder.get(), std::string(workspace::name_of(path)), path, baseline);
      if (!baseline.entries.contains(path)) baseline.known_absent.insert(path);
    }
  }
  // Most snapshots are opened on what the one before was opened on.
  if (last_ == nullptr || *last_ != baseline)
    last_ = std::make_shared<const Baseline>(std::move(baseline));
  return last_;
}

/// False: it is too large, or could not be read to the end.
bool Baselines::walk(int folder, const std::string& path, Baseline& into) {
  const std::unique_ptr<DIR, CloseFolder> open(::fdopendir(::dup(folder)));
  if (!open) return false;
  ::rewinddir(open.get());
  std::vector<std::string> folders;
  while (const dirent* one = ::readdir(open.get())) {
    const std::string name = one->d_name;
    if (name == "." || name == ".." || name == ".git") continue;
    if (into.entries.size() >= kEntriesMax) return false;
    const std::string at = join(path, name);
    add(folder, name, at, into);
    const Baseline::Entry* entry = into.find(at);
    if (entry != nullptr && entry->state.kind == Kind::folder) folders.push_back(name);
  }
  for (const std::string& name : folders) {
    const sys::Descriptor below(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // What nobody may read here nobody reads in a snapshot either, but for its being there.
    if (!below && errno == EACCES) continue;
    if (!below || !walk(below.get(), join(path, name), into)) return false;
  }
  return true;
}

void Baselines::add(int folder, const std::string& name, const std::string& path, Baseline& into) {
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  Baseline::Entry entry;
  entry.state.kind = kind_of(status.st_mode);
  entry.state.mode = entry.state.kind == Kind::link ? 0 : status.st_mode & 07777;
  if (entry.state.kind == Kind::file) entry.state.size = status.st_size;
  entry.device = status.st_dev;
  entry.inode = status.st_ino;
  entry.mtime_ns = nanoseconds(status.st_mtim);
  entry.ctime_ns = nanoseconds(status.st_ctim);
  entry.is_settled = entry.ctime_ns < now_ns_ && entry.mtime_ns < now_ns_;
  if (entry.state.kind == Kind::file || entry.state.kind == Kind::link)
    add_digest(folder, name, entry);
  into.entries.insert_or_assign(path, std::move(entry));
}

void Baselines::add_digest(int folder, const std::string& name, Baseline::Entry& entry) {
  const Identity identity{entry.device, entry.inode, entry.state.size, entry.mtime_ns,
                          entry.ctime_ns};
  const auto known = known_.find(identity);
  if (known != known_.end() && entry.is_settled) {
    entry.state = known->second;
  } else {
    if (entry.state.size > bytes_left_) return;
    const auto state = state_beneath(folder, name);
    // Changed between the two looks: whatever it is then, it is not this.
    if (!state || state->kind != entry.state.kind) return;
    if (state->kind == Kind::file && state->size != entry.state.size) return;
    bytes_left_ -= state->size;
    entry.state = *state;
    if (known_.size() > 16 * kEntriesMax) known_.clear();
    if (entry.is_settled) known_.emplace(identity, *state);
  }
  entry.has_digest = true;
}

}  // namespace interlock::snapshots
