#include "snapshots/host_check.h"

#include <fmt/format.h>
#include <fts.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/mounts.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

namespace fs = std::filesystem;

std::string existing(fs::path path) {
  std::error_code error;
  path = fs::weakly_canonical(fs::absolute(path, error), error);
  while (!path.empty() && path != path.root_path() && !fs::exists(path, error))
    path = path.parent_path();
  return path.string();
}

struct CloseWalk {
  void operator()(FTS* walk) const { ::fts_close(walk); }
};

/// A user namespace of one user and one group maps no other; what it cannot name it cannot copy up
/// (EOVERFLOW).
Result<void> owned_by_us(const std::string& root) {
  std::string top = root;
  const std::array<char*, 2> tops{top.data(), nullptr};
  const std::unique_ptr<FTS, CloseWalk> walk(
      ::fts_open(tops.data(), FTS_PHYSICAL | FTS_NOCHDIR, nullptr));
  if (!walk) return cannot("read", root, errno);
  while (const FTSENT* entry = ::fts_read(walk.get())) {
    if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS) continue;
    const struct stat& status = *entry->fts_statp;
    if (status.st_uid == ::geteuid() && status.st_gid == ::getegid()) continue;
    return fail(
        Error::Kind::refused,
        fmt::format("cannot make snapshots of the workspace: `{}` is owned by {}:{}, not by "
                    "you ({}:{})",
                    printable(entry->fts_path), status.st_uid, status.st_gid, ::geteuid(),
                    ::getegid()),
        "give it to yourself with `chown`, or choose the isolation `worktree` or `guard`");
  }
  return {};
}

Result<void> takes_uppers(const std::string& state) {
  struct statfs facts{};
  const std::string place = existing(state);
  if (::statfs(place.c_str(), &facts) != 0) return cannot("look at", place, errno);
  if (facts.f_type != OVERLAYFS_SUPER_MAGIC) return {};
  return fail(Error::Kind::refused,
              fmt::format("cannot keep snapshots in `{}`: it lies on an overlay itself", place),
              "choose a folder on a volume or a tmpfs with `--state`");
}

}  // namespace

Result<void> state_is_apart(const std::string& root, const std::string& snapshots) {
  std::error_code error;
  const std::string real = fs::weakly_canonical(snapshots, error).string();
  if (!workspace::is_at_or_below(real, root)) return {};
  return fail(Error::Kind::refused,
              fmt::format("cannot make snapshots of `{}`: the state folder lies in it, at `{}`",
                          printable(root), printable(snapshots)),
              "choose one outside the workspace with `--state`");
}

Result<Repository> repository_for_worktrees(const std::string& root, const std::string& snapshots) {
  const auto refused = [](const Error& error) {
    return std::unexpected(within(error, "cannot make a worktree").error());
  };
  auto repository = repository_of(root);
  if (!repository) return refused(repository.error());
  if (ignores_workspace(*repository, root)) {
    return fail(Error::Kind::refused,
                fmt::format("cannot make a worktree: the repository `{}` ignores `{}`",
                            printable(repository->top), printable(root)),
                "choose the isolation `view`, or `git init` there");
  }
  if (auto has_room = has_room_for_branches(*repository); !has_room)
    return refused(has_room.error());
  // The tree is a copy of the whole repository.
  if (auto apart = state_is_apart(repository->top, snapshots); !apart)
    return std::unexpected(apart.error());
  return repository;
}

Result<std::string> can_commit(const std::string& root) {
  if (repository_top(root).empty())
    return fmt::format("`{}` is in no git repository", printable(root));
  const auto repository = repository_of(root);
  if (!repository) return std::unexpected(repository.error());
  if (ignores_workspace(*repository, root)) {
    return fmt::format("the repository `{}` ignores `{}`", printable(repository->top),
                       printable(root));
  }
  if (auto has_room = has_room_for_branches(*repository); !has_room)
    return std::unexpected(has_room.error());
  return std::string();
}

Result<void> can_open(plan::Isolation isolation, const std::string& root,
                      const std::string& state) {
  using plan::Isolation;
  if (isolation == Isolation::direct || isolation == Isolation::guard) return {};
  std::error_code error;
  if (auto apart = state_is_apart(root, fs::absolute(state, error).string()); !apart) return apart;
  if (isolation == Isolation::worktree) {
    const auto repository = repository_for_worktrees(root, fs::absolute(state, error).string());
    return repository ? Result<void>() : std::unexpected(repository.error());
  }
  if (auto takes = takes_uppers(state); !takes) return takes;
  if (auto holds = holds_no_mounts(root); !holds) return holds;
  return ::geteuid() == 0 ? Result<void>() : owned_by_us(root);
}

}  // namespace interlock::snapshots
