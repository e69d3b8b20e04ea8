#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/check.h"
#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/git_history.h"
#include "snapshots/host_check.h"
#include "snapshots/local_snapshots.h"
#include "snapshots/mounts.h"
#include "snapshots/sandboxes.h"
#include "snapshots/ticks.h"
#include "snapshots/worktree.h"

// Opening snapshots: what the process side is to make, and where.
namespace interlock::snapshots {

using plan::Isolation;
using workspace::Layer;
using workspace::Stack;
using Stage = Attempt::Stage;

namespace {

/// The kernel takes 500 lower folders; the workspace is one, a check's own layer another.
constexpr std::size_t kLayersMax = 490;

engine::Sandbox sandbox_for(const engine::Snapshots::SnapshotSpec& spec,
                            const std::string& workspace) {
  engine::Sandbox sandbox;
  sandbox.workspace = workspace;
  sandbox.own_network = spec.own_network;
  sandbox.watch = spec.watch;
  if (spec.isolation == Isolation::direct) return sandbox;
  sandbox.confined = true;
  sandbox.writable = spec.writable;
  std::ranges::copy(writable_devices(), std::back_inserter(sandbox.writable));
  return sandbox;
}

/// An empty folder that looks like `like`: the topmost layer's folder is what a snapshot shows.
Result<struct stat> make_upper(const std::string& place, const struct stat& like) {
  struct stat made{};
  if (::mkdir(place.c_str(), 0700) != 0) return cannot("make the folder", place, errno);
  if (::geteuid() == 0 && ::lchown(place.c_str(), like.st_uid, like.st_gid) != 0)
    return cannot("give away", place, errno);
  if (::chmod(place.c_str(), like.st_mode & 07777) != 0 || ::lstat(place.c_str(), &made) != 0)
    return cannot("set the mode of", place, errno);
  return made;
}

}  // namespace

Result<engine::Snapshots::Opened> LocalSnapshots::open(const SnapshotSpec& spec) {
  if (spec.isolation == Isolation::direct) return Opened{root_, sandbox_for(spec, root_)};
  if (spec.isolation == Isolation::guard) {
    check(spec.footprint != nullptr, "a guard knows the footprint");
    Opened opened{root_, sandbox_for(spec, root_)};
    opened.sandbox.held_to = *spec.footprint;
    return opened;
  }
  if (auto apart = state_is_apart(root_, layout_.snapshots()); !apart)
    return std::unexpected(apart.error());
  if (spec.name.phase != 0) return open_check(spec);
  return spec.isolation == Isolation::worktree ? open_worktree(spec) : open_snapshot(spec);
}

/// A fresh folder and what is to be known of the attempt.
Result<Attempt*> LocalSnapshots::begin(const SnapshotSpec& spec) {
  discard(spec.name);
  const std::string folder = layout_.folder(spec.name);
  remove_tree(folder);
  let_tick();
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  Attempt attempt;
  attempt.name = spec.name;
  attempt.isolation = spec.isolation;
  for (const Attempt* one : unfolded_) attempt.seen.insert(folder_name(one->name));
  attempt.baseline = baselines_.take(spec.footprint, asked_[spec.name.task]);
  attempt.checkpoints_before = checkpoints_;
  const auto [at, is_new] = attempts_.insert_or_assign(key_of(spec.name), std::move(attempt));
  check(is_new, "an attempt's number is used once");
  return &at->second;
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_snapshot(const SnapshotSpec& spec) {
  const auto begun = begin(spec);
  if (!begun) return std::unexpected(begun.error());
  auto opened = snapshot(spec, unfolded(), layout_.folder(spec.name));
  struct stat upper{};
  if (opened && ::lstat(layout_.file(spec.name, "upper").c_str(), &upper) == 0) {
    (*begun)->stamp_ns = std::int64_t{upper.st_ctim.tv_sec} * 1'000'000'000 + upper.st_ctim.tv_nsec;
    if (auto written = write_record(layout_, **begun); !written)
      opened = std::unexpected(written.error());
  }
  if (!opened) discard(spec.name);
  return opened;
}

Result<engine::Snapshots::Opened> LocalSnapshots::snapshot(const SnapshotSpec& spec,
                                                           const std::vector<Layer>& layers,
                                                           const std::string& folder) const {
  if (layers.size() > kLayersMax) {
    return fail(Error::Kind::refused,
                fmt::format("{} committed changes lie upon the workspace, and the kernel takes {}",
                            layers.size(), kLayersMax),
                "let the running tasks end, so that they can be folded into it");
  }
  if (auto holds = holds_no_mounts(root_); !holds) return std::unexpected(holds.error());
  const auto like = Stack(root_, layers).look("");
  if (!like) return cannot("open the workspace", root_, ENOENT);
  const std::string upper = folder + "/upper";
  const std::string work = folder + "/work";
  if (auto made = make_upper(upper, like->status); !made) return std::unexpected(made.error());
  if (auto made = make_folders(work); !made) return std::unexpected(made.error());
  Opened opened{root_, sandbox_for(spec, root_)};
  opened.sandbox.writable.insert(opened.sandbox.writable.begin(), root_);
  engine::Sandbox::Snapshot& snapshot = opened.sandbox.snapshot.emplace();
  snapshot.at = root_;
  snapshot.upper = upper;
  snapshot.work = work;
  for (const Layer& layer : layers | std::views::reverse) snapshot.layers.push_back(layer.after);
  return opened;
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_check(const SnapshotSpec& spec) {
  const Attempt& attempt = known(spec.name);
  check(attempt.stage == Stage::harvested, "what is checked was harvested");
  discard(spec.name);  // Of an earlier check of this phase.
  const std::string folder = layout_.file(spec.name, fmt::format("check-{}", spec.name.phase));
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  if (attempt.isolation == Isolation::worktree) return open_worktree_check(spec, attempt);
  std::vector<Layer> layers = spec.name.phase == 1 ? seen_by(attempt) : unfolded();
  if (!attempt.changes.empty()) layers.push_back(layer_of(attempt));
  return snapshot(spec, layers, folder);
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_worktree(const SnapshotSpec& spec) {
  auto repository = repository_for_worktrees(root_, layout_.snapshots());
  if (!repository) return std::unexpected(repository.error());
  const auto begun = begin(spec);
  if (!begun) return std::unexpected(begun.error());
  // Before the snapshot: what a person changes while it is made counts as changed since.
  struct stat folder{};
  if (::lstat(layout_.folder(spec.name).c_str(), &folder) != 0)
    return cannot("open", layout_.folder(spec.name), errno);
  (*begun)->stamp_ns = std::int64_t{folder.st_ctim.tv_sec} * 1'000'000'000 + folder.st_ctim.tv_nsec;
  const Worktree worktree(*repository, root_, layout_.folder(spec.name), options_.before_step);
  auto base = worktree.open(branch_of(spec.name), unfolded());
  if (base) {
    (*begun)->base = base->commit;
    if (auto written = write_record(layout_, **begun); !written)
      base = std::unexpected(written.error());
  }
  if (!base) {
    discard(spec.name);
    return std::unexpected(base.error());
  }
  Opened opened = opened_in(spec, worktree);
  worktrees_.insert_or_assign(key_of(spec.name),
                              OpenWorktree{std::move(*repository), std::move(*base)});
  return opened;
}

/// The person's repository is not among what the attempt may write: its own is in the tree.
engine::Snapshots::Opened LocalSnapshots::opened_in(const SnapshotSpec& spec,
                                                    const Worktree& worktree) {
  Opened opened{worktree.workspace(), sandbox_for(spec, worktree.workspace())};
  opened.sandbox.writable.insert(opened.sandbox.writable.begin(), worktree.tree());
  return opened;
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_worktree_check(const SnapshotSpec& spec,
                                                                      const Attempt& attempt) {
  const auto repository = repository_for_worktrees(root_, layout_.snapshots());
  if (!repository) return std::unexpected(repository.error());
  const Worktree worktree(*repository, root_,
                          layout_.file(spec.name, fmt::format("check-{}", spec.name.phase)),
                          options_.before_step);
  std::vector<Layer> upon = spec.name.phase == 1 ? seen_by(attempt) : unfolded();
  if (!attempt.changes.empty()) upon.push_back(layer_of(attempt));
  const auto base = worktree.open(branch_of(spec.name), upon);
  if (!base) return std::unexpected(base.error());
  return opened_in(spec, worktree);
}

}  // namespace interlock::snapshots
