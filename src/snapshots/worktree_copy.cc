#include "snapshots/worktree_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "snapshots/files.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"
#include "workspace/stack.h"

namespace interlock::snapshots {
namespace {

using sys::Descriptor;
using workspace::join;
using workspace::Stack;

class Copy {
 public:
  Copy(const Repository& repository, const std::string& root,
       const std::vector<workspace::Layer>& upon, const std::string& tree,
       const std::function<void()>& before_step)
      : prefix_(prefix_of(root, repository.top)),
        around_(repository.top, {}),
        inside_(root, upon),
        tree_(tree),
        before_step_(before_step),
        copied_{{}, Ignoring(repository.top)} {}

  Result<Copied> run(const std::vector<workspace::Layer>& upon) {
    if (auto known = leave_out_ignored(""); !known) return std::unexpected(known.error());
    std::vector<std::string> layered;
    for (const workspace::Layer& layer : upon) {
      for (const changes::Change& change : layer.changes->changes) {
        const bool is_folder = change.after.kind == changes::Kind::folder;
        if (change.after.kind != changes::Kind::absent && !around_.look(prefix_ + change.path))
          layered.push_back(prefix_ + change.path + (is_folder ? "/" : ""));
      }
    }
    ignored_.merge(copied_.ignoring.among(layered));
    if (auto entered = enter(""); !entered) return std::unexpected(entered.error());
    return std::move(copied_);
  }

 private:
  /// The workspace's part of a path, when it lies in there.
  std::optional<std::string> inside(const std::string& path) const {
    if (prefix_.empty()) return path;
    if (path + "/" == prefix_) return std::string();
    return path.starts_with(prefix_) ? std::optional(path.substr(prefix_.size())) : std::nullopt;
  }
  std::optional<Stack::Found> look(const std::string& path) const {
    const auto part = inside(path);
    return part ? inside_.look(*part) : around_.look(path);
  }
  std::set<std::string> names(const std::string& path) const {
    const auto part = inside(path);
    return part ? inside_.names(*part) : around_.names(path);
  }

  Result<void> leave_out_ignored(const std::string& repository) {
    auto ignored = copied_.ignoring.present(repository);
    // A nested one may be in any state; then all of it is shown.
    if (!ignored) return repository.empty() ? std::unexpected(ignored.error()) : Result<void>();
    ignored_.merge(*ignored);
    return {};
  }

  Result<void> enter(const std::string& folder) {
    for (const std::string& name : names(folder)) {
      if (check_.is_due()) return cannot("copy", join(folder, name), EINTR);
      if (name == ".git") continue;
      const std::string path = join(folder, name);
      const auto found = look(path);
      if (!found) continue;
      const bool is_folder = S_ISDIR(found->status.st_mode);
      if (ignored_.contains(is_folder ? path + "/" : path)) continue;
      step();
      auto done = is_folder                        ? copy_folder(path, found->status)
                  : S_ISREG(found->status.st_mode) ? copy_file(path, *found)
                  : S_ISLNK(found->status.st_mode) ? copy_link(path, *found)
                                                   : Result<void>();
      if (!done) return done;
    }
    return {};
  }

  Result<void> copy_folder(const std::string& path, const struct stat& status) {
    const std::string to = tree_ + "/" + path;
    if (::mkdir(to.c_str(), 0700) != 0) return cannot("make the folder", to, errno);
    if (names(path).contains(".git")) {
      copied_.ignoring.add_nested(path);
      if (auto known = leave_out_ignored(path); !known) return known;
    }
    if (auto entered = enter(path); !entered) return entered;
    if (::geteuid() == 0 && ::lchown(to.c_str(), status.st_uid, status.st_gid) != 0)
      return cannot("give away", to, errno);
    if (::chmod(to.c_str(), status.st_mode & 07777) != 0)
      return cannot("set the mode of", to, errno);
    return stamp(path);
  }

  Result<void> copy_file(const std::string& path, const Stack::Found& found) {
    const auto from = open_file(found.place, found.status, false);
    if (!from && from.error().kind == Error::Kind::missing) return {};  // It went meanwhile.
    if (!from) return std::unexpected(from.error());
    const std::string place = tree_ + "/" + path;
    const sys::Descriptor to(
        ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!to) return cannot("write", place, errno);
    if (auto copied = copy_bytes(from->get(), to.get(), place); !copied) return copied;
    const struct stat& status = found.status;
    if (::geteuid() == 0 && ::fchown(to.get(), status.st_uid, status.st_gid) != 0)
      return cannot("give away", place, errno);
    if (::fchmod(to.get(), status.st_mode & 07777) != 0)
      return cannot("set the mode of", place, errno);
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ::futimens(to.get(), times.data());
    return stamp(path);
  }

  Result<void> copy_link(const std::string& path, const Stack::Found& found) {
    const std::string to = tree_ + "/" + path;
    if (::symlink(link_target(found.place).c_str(), to.c_str()) != 0)
      return cannot("make the link", to, errno);
    if (::geteuid() == 0 && ::lchown(to.c_str(), found.status.st_uid, found.status.st_gid) != 0)
      return cannot("give away", to, errno);
    return stamp(path);
  }

  Result<void> stamp(const std::string& path) {
    struct stat status{};
    const std::string place = tree_ + "/" + path;
    if (::lstat(place.c_str(), &status) != 0) return cannot("look at", place, errno);
    copied_.stamps.emplace(path, stamp_of(status));
    return {};
  }

  void step() const {
    if (before_step_) before_step_();
  }

  std::string prefix_;
  Stack around_, inside_;
  const std::string& tree_;
  const std::function<void()>& before_step_;
  Copied copied_;
  std::set<std::string> ignored_;
  sys::InterruptionCheck check_;
};

}  // namespace

Stamp stamp_of(const struct stat& status) {
  return {status.st_mode, status.st_ino, status.st_size,
          std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
}

Result<Copied> copy_committed(const Repository& repository, const std::string& root,
                              const std::vector<workspace::Layer>& upon, const std::string& tree,
                              const std::function<void()>& before_step) {
  return Copy(repository, root, upon, tree, before_step).run(upon);
}

}  // namespace interlock::snapshots
