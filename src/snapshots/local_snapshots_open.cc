#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

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
  const Reserved upon = take_reserved(spec.name);
  if (spec.name.phase != 0) return open_check(spec, upon);
  return spec.isolation == Isolation::worktree ? open_worktree(spec, upon)
                                               : open_snapshot(spec, upon);
}

LocalSnapshots::Reserved LocalSnapshots::state_for(engine::AttemptName name) const {
  Reserved state;
  state.layers = uncheckpointed();
  for (const Attempt* one : uncheckpointed_) state.seen.insert(folder_name(one->name));
  if (const auto asked = asked_.find(name.task); asked != asked_.end()) state.asked = asked->second;
  return state;
}

void LocalSnapshots::reserve(engine::AttemptName name) {
  Reserved state = state_for(name);
  const std::lock_guard lock(mutex_);
  reserved_.insert_or_assign(name, std::move(state));
}

LocalSnapshots::Reserved LocalSnapshots::take_reserved(engine::AttemptName name) {
  {
    const std::lock_guard lock(mutex_);
    if (auto taken = reserved_.extract(name)) return std::move(taken.mapped());
  }
  // Nobody else is there who could commit meanwhile.
  return state_for(name);
}

/// A fresh folder and what is to be known of the attempt.
Result<Attempt*> LocalSnapshots::begin(const SnapshotSpec& spec, const Reserved& upon) {
  discard(spec.name);
  const std::string folder = layout_.folder(spec.name);
  remove_tree(folder);
  let_tick();
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  Attempt attempt;
  attempt.name = spec.name;
  attempt.isolation = spec.isolation;
  attempt.seen = upon.seen;
  attempt.baseline = baselines_.take(spec.footprint, upon.asked);
  attempt.checkpoints_before = checkpoints_;  // None is made while a snapshot is open.
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = attempts_.insert_or_assign(key_of(spec.name), std::move(attempt));
  check(is_new, "an attempt's number is used once");
  return &at->second;
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_snapshot(const SnapshotSpec& spec,
                                                                const Reserved& upon) {
  const auto begun = begin(spec, upon);
  if (!begun) return std::unexpected(begun.error());
  auto opened = snapshot(spec, upon.layers, layout_.folder(spec.name));
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

Result<engine::Snapshots::Opened> LocalSnapshots::open_check(const SnapshotSpec& spec,
                                                             const Reserved& upon) {
  const Attempt& attempt = known(spec.name);
  check(attempt.stage == Stage::harvested, "what is checked was harvested");
  discard(spec.name);  // Of an earlier check of this phase.
  const std::string folder = layout_.file(spec.name, fmt::format("check-{}", spec.name.phase));
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  if (attempt.isolation == Isolation::worktree) return open_worktree_check(spec, attempt, upon);
  std::vector<Layer> layers = spec.name.phase == 1 ? seen_by(attempt) : upon.layers;
  if (!attempt.changes.empty()) layers.push_back(layer_of(attempt));
  return snapshot(spec, layers, folder);
}

Result<engine::Snapshots::Opened> LocalSnapshots::open_worktree(const SnapshotSpec& spec,
                                                                const Reserved& upon) {
  const std::lock_guard one_by_one(git_mutex_);
  auto repository = repository_for_worktrees(root_, layout_.snapshots());
  if (!repository) return std::unexpected(repository.error());
  const auto begun = begin(spec, upon);
  if (!begun) return std::unexpected(begun.error());
  // Before the snapshot: what a person changes while it is made counts as changed since.
  struct stat folder{};
  if (::lstat(layout_.folder(spec.name).c_str(), &folder) != 0)
    return cannot("open", layout_.folder(spec.name), errno);
  (*begun)->stamp_ns = std::int64_t{folder.st_ctim.tv_sec} * 1'000'000'000 + folder.st_ctim.tv_nsec;
  const Worktree worktree(*repository, root_, layout_.folder(spec.name), options_.before_step);
  auto base = worktree.open(branch_of(spec.name), upon.layers);
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
  const std::lock_guard lock(mutex_);
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
                                                                      const Attempt& attempt,
                                                                      const Reserved& upon) {
  const std::lock_guard one_by_one(git_mutex_);
  const auto repository = repository_for_worktrees(root_, layout_.snapshots());
  if (!repository) return std::unexpected(repository.error());
  const Worktree worktree(*repository, root_,
                          layout_.file(spec.name, fmt::format("check-{}", spec.name.phase)),
                          options_.before_step);
  std::vector<Layer> layers = spec.name.phase == 1 ? seen_by(attempt) : upon.layers;
  if (!attempt.changes.empty()) layers.push_back(layer_of(attempt));
  const auto base = worktree.open(branch_of(spec.name), layers);
  if (!base) return std::unexpected(base.error());
  return opened_in(spec, worktree);
}

}  // namespace interlock::snapshots
