#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/check.h"
#include "base/text.h"
#include "views/enclosures.h"
#include "views/files.h"
#include "views/git_history.h"
#include "views/host_check.h"
#include "views/local_views.h"
#include "views/mounts.h"
#include "views/ticks.h"
#include "views/worktree.h"

// Opening pictures: what the process side is to make, and where.
namespace interlock::views {

using plan::Isolation;
using workspace::Layer;
using workspace::Stack;
using Stage = Attempt::Stage;

namespace {

/// The kernel takes 500 lower folders; the workspace is one, a check's own layer another.
constexpr std::size_t kLayersMax = 490;

engine::Enclosure enclosure_for(const engine::Views::Wish& wish, const std::string& workspace) {
  engine::Enclosure enclosure;
  enclosure.workspace = workspace;
  enclosure.own_network = wish.own_network;
  enclosure.watch = wish.watch;
  if (wish.isolation == Isolation::direct) return enclosure;
  enclosure.confined = true;
  enclosure.writable = wish.writable;
  std::ranges::copy(writable_devices(), std::back_inserter(enclosure.writable));
  return enclosure;
}

/// An empty folder that looks like `like`: the topmost layer's folder is what a picture shows.
Result<struct stat> make_upper(const std::string& place, const struct stat& like) {
  struct stat made {};
  if (::mkdir(place.c_str(), 0700) != 0) return cannot("make the folder", place, errno);
  if (::geteuid() == 0 && ::lchown(place.c_str(), like.st_uid, like.st_gid) != 0)
    return cannot("give away", place, errno);
  if (::chmod(place.c_str(), like.st_mode & 07777) != 0 || ::lstat(place.c_str(), &made) != 0)
    return cannot("set the mode of", place, errno);
  return made;
}

}  // namespace

Result<engine::Views::Opened> LocalViews::open(const Wish& wish) {
  if (wish.isolation == Isolation::direct) return Opened{root_, enclosure_for(wish, root_)};
  if (wish.isolation == Isolation::guard) {
    check(wish.footprint != nullptr, "a guard knows the footprint");
    Opened opened{root_, enclosure_for(wish, root_)};
    opened.enclosure.held_to = *wish.footprint;
    return opened;
  }
  if (auto apart = state_is_apart(root_, layout_.views()); !apart)
    return std::unexpected(apart.error());
  if (wish.name.phase != 0) return open_check(wish);
  return wish.isolation == Isolation::worktree ? open_worktree(wish) : open_picture(wish);
}

/// A fresh folder and what is to be known of the attempt.
Result<Attempt*> LocalViews::begin(const Wish& wish) {
  discard(wish.name);
  const std::string folder = layout_.folder(wish.name);
  remove_tree(folder);
  let_tick();
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  Attempt attempt;
  attempt.name = wish.name;
  attempt.isolation = wish.isolation;
  for (const Attempt* one : unfolded_) attempt.seen.insert(folder_name(one->name));
  attempt.baseline = baselines_.take(wish.footprint, asked_[wish.name.task]);
  attempt.folds_before = folds_;
  const auto [at, is_new] = attempts_.insert_or_assign(key_of(wish.name), std::move(attempt));
  check(is_new, "an attempt's number is used once");
  return &at->second;
}

Result<engine::Views::Opened> LocalViews::open_picture(const Wish& wish) {
  const auto begun = begin(wish);
  if (!begun) return std::unexpected(begun.error());
  auto opened = picture(wish, unfolded(), layout_.folder(wish.name));
  struct stat upper {};
  if (opened && ::lstat(layout_.file(wish.name, "upper").c_str(), &upper) == 0) {
    (*begun)->stamp_ns = std::int64_t{upper.st_ctim.tv_sec} * 1'000'000'000 + upper.st_ctim.tv_nsec;
    if (auto written = write_record(layout_, **begun); !written)
      opened = std::unexpected(written.error());
  }
  if (!opened) discard(wish.name);
  return opened;
}

Result<engine::Views::Opened> LocalViews::picture(const Wish& wish,
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
  Opened opened{root_, enclosure_for(wish, root_)};
  opened.enclosure.writable.insert(opened.enclosure.writable.begin(), root_);
  engine::Enclosure::Picture& picture = opened.enclosure.picture.emplace();
  picture.at = root_;
  picture.upper = upper;
  picture.work = work;
  for (const Layer& layer : layers | std::views::reverse) picture.layers.push_back(layer.after);
  return opened;
}

Result<engine::Views::Opened> LocalViews::open_check(const Wish& wish) {
  const Attempt& attempt = known(wish.name);
  check(attempt.stage == Stage::harvested, "what is checked was harvested");
  discard(wish.name);  // Of an earlier check of this phase.
  const std::string folder = layout_.file(wish.name, fmt::format("check-{}", wish.name.phase));
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  if (attempt.isolation == Isolation::worktree) return open_worktree_check(wish, attempt);
  std::vector<Layer> layers = wish.name.phase == 1 ? seen_by(attempt) : unfolded();
  if (!attempt.changes.empty()) layers.push_back(layer_of(attempt));
  return picture(wish, layers, folder);
}

Result<engine::Views::Opened> LocalViews::open_worktree(const Wish& wish) {
  auto repository = repository_for_worktrees(root_, layout_.views());
  if (!repository) return std::unexpected(repository.error());
  const auto begun = begin(wish);
  if (!begun) return std::unexpected(begun.error());
  // Before the snapshot: what a person changes while it is made counts as changed since.
  struct stat folder {};
  if (::lstat(layout_.folder(wish.name).c_str(), &folder) != 0)
    return cannot("open", layout_.folder(wish.name), errno);
  (*begun)->stamp_ns = std::int64_t{folder.st_ctim.tv_sec} * 1'000'000'000 + folder.st_ctim.tv_nsec;
  const Worktree worktree(*repository, root_, layout_.folder(wish.name), options_.before_step);
  auto base = worktree.open(branch_of(wish.name), unfolded());
  if (base) {
    (*begun)->base = base->commit;
    if (auto written = write_record(layout_, **begun); !written)
      base = std::unexpected(written.error());
  }
  if (!base) {
    discard(wish.name);
    return std::unexpected(base.error());
  }
  Opened opened = opened_in(wish, worktree);
  worktrees_.insert_or_assign(key_of(wish.name),
                              OpenWorktree{std::move(*repository), std::move(*base)});
  return opened;
}

/// The person's repository is not among what the attempt may write: its own is in the tree.
engine::Views::Opened LocalViews::opened_in(const Wish& wish, const Worktree& worktree) {
  Opened opened{worktree.workspace(), enclosure_for(wish, worktree.workspace())};
  opened.enclosure.writable.insert(opened.enclosure.writable.begin(), worktree.tree());
  return opened;
}

Result<engine::Views::Opened> LocalViews::open_worktree_check(const Wish& wish,
                                                              const Attempt& attempt) {
  const auto repository = repository_for_worktrees(root_, layout_.views());
  if (!repository) return std::unexpected(repository.error());
  const Worktree worktree(*repository, root_,
                          layout_.file(wish.name, fmt::format("check-{}", wish.name.phase)),
                          options_.before_step);
  std::vector<Layer> upon = wish.name.phase == 1 ? seen_by(attempt) : unfolded();
  if (!attempt.changes.empty()) upon.push_back(layer_of(attempt));
  const auto base = worktree.open(branch_of(wish.name), upon);
  if (!base) return std::unexpected(base.error());
  return opened_in(wish, worktree);
}

}  // namespace interlock::views
