#include "snapshots/local_snapshots.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "snapshots/amend.h"
#include "snapshots/checkpoint.h"
#include "snapshots/files.h"
#include "snapshots/freeze.h"
#include "snapshots/git_history.h"
#include "snapshots/harvest.h"
#include "snapshots/mounts.h"
#include "snapshots/reads.h"
#include "snapshots/worktree.h"
#include "snapshots/writes.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using changes::Change;
using changes::Changeset;
using changes::Kind;
using changes::State;
using engine::AttemptName;
using workspace::folder_of;
using workspace::Layer;
using workspace::Stack;
using Stage = Attempt::Stage;

namespace {

Result<std::string> read_regular(const std::string& place, const std::string& path,
                                 std::size_t max_bytes) {
  struct stat status{};
  if (::lstat(place.c_str(), &status) != 0) return cannot("read", path, errno);
  if (S_ISLNK(status.st_mode)) return link_target(place);
  if (!S_ISREG(status.st_mode)) {
    return fail(Error::Kind::io,
                fmt::format("cannot read `{}`: it is not a regular file", printable(path)));
  }
  return workspace::read_file(place, max_bytes);
}

/// A task's id as part of a branch's name, which may hold less; with its number where it differs.
std::string branch_word(const std::string& id, std::size_t index) {
  std::string word;
  for (const char c : id) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    word += fits ? c : '-';
  }
  if (word.empty()) return std::to_string(index);
  return word == id ? word : fmt::format("{}-{}", word, index);
}

}  // namespace

LocalSnapshots::LocalSnapshots(std::string root, const std::string& state, std::string run,
                               Options options)
    : root_(std::move(root)),
      run_(std::move(run)),
      layout_(state, run_),
      options_(std::move(options)),
      baselines_(root_) {}

std::vector<Layer> LocalSnapshots::uncheckpointed() const {
  const std::lock_guard lock(mutex_);
  std::vector<Layer> layers;
  layers.reserve(uncheckpointed_.size());
  for (const Attempt* attempt : uncheckpointed_) layers.push_back(layer_of(*attempt));
  return layers;
}

Layer LocalSnapshots::layer_of(const Attempt& attempt) const {
  return {after(attempt), &attempt.changes};
}

std::vector<Layer> LocalSnapshots::seen_by(const Attempt& attempt) const {
  const std::lock_guard lock(mutex_);
  std::vector<Layer> layers;
  for (const Attempt* one : uncheckpointed_) {
    if (attempt.seen.contains(folder_name(one->name))) layers.push_back(layer_of(*one));
  }
  return layers;
}

const Attempt* LocalSnapshots::find(AttemptName name) const {
  const std::lock_guard lock(mutex_);
  const auto at = attempts_.find(key_of(name));
  return at == attempts_.end() ? nullptr : &at->second;
}

Attempt& LocalSnapshots::known(AttemptName name) {
  const std::lock_guard lock(mutex_);
  const auto at = attempts_.find(key_of(name));
  check(at != attempts_.end(), "a snapshot was opened before it is asked about");
  return at->second;
}

Result<engine::Snapshots::Harvest> LocalSnapshots::harvest(AttemptName name,
                                                           const engine::Observed& observed,
                                                           const footprint::Footprint& footprint) {
  Attempt& attempt = known(name);
  check(name.phase == 0 && attempt.stage == Stage::open, "an attempt is harvested once");
  Harvest harvest;
  auto taken = take_changes(attempt, harvest);
  if (!taken) return std::unexpected(taken.error());
  attempt.changes = std::move(*taken);

  const Stack found(root_, seen_by(attempt));
  std::vector<Layer> with_own = seen_by(attempt);
  with_own.push_back(layer_of(attempt));
  const std::string at = place_of(attempt);
  const Stack left(root_, with_own);
  const Trees trees{.found = found, .left = left, .at = at};
  auto reads = reads_of(observed, footprint, attempt.changes, trees);
  if (!reads) return std::unexpected(reads.error());
  harvest.writes = writes_of(observed, attempt.changes, harvest.writes.paths, trees);
  auto remarks = keep_before(layout_.file(name, "before"), attempt.changes, found);
  if (!remarks) return std::unexpected(remarks.error());
  std::ranges::move(*remarks, std::back_inserter(harvest.remarks));

  if (auto put = put_file(layout_.file(name, "reads.json"), changes::to_text(reads->reads)); !put)
    return std::unexpected(put.error());
  if (auto kept = keep(attempt); !kept) return std::unexpected(kept.error());
  attempt.stage = Stage::harvested;
  {
    const std::lock_guard lock(mutex_);
    worktrees_.erase(key_of(name));
  }
  for (const char* part : {"upper", "work", "tree"}) remove_tree(layout_.file(name, part));
  harvest.changes = attempt.changes;
  harvest.reads = std::move(reads->reads);
  harvest.gap = std::move(reads->gap);
  return harvest;
}

Result<Changeset> LocalSnapshots::take_changes(Attempt& attempt, Harvest& harvest) {
  const Stack lower(root_, seen_by(attempt));
  const OpenWorktree* const open = find_worktree(attempt);
  const std::string tree =
      open != nullptr ? place_of(attempt) : layout_.file(attempt.name, "upper");
  const auto harvest_worktree = [&] {
    const std::lock_guard lock(git_mutex_);
    return Worktree(open->repository, root_, layout_.folder(attempt.name))
        .harvest(open->base, lower);
  };
  auto taken = open != nullptr ? harvest_worktree() : harvest_upper(tree, lower);
  if (!taken) return std::unexpected(taken.error());
  for (const changes::Change& change : taken->changes.changes) {
    if (change.path.size() > kPathBytesMax) return nested_too_deeply(change.path);
  }
  harvest.remarks = std::move(taken->remarks);
  harvest.writes.paths = std::move(taken->rewritten);
  if (auto frozen = freeze(tree, after(attempt), taken->changes, lower); !frozen)
    return std::unexpected(frozen.error());
  return std::move(taken->changes);
}

const LocalSnapshots::OpenWorktree* LocalSnapshots::find_worktree(const Attempt& attempt) const {
  const std::lock_guard lock(mutex_);
  const auto open = worktrees_.find(key_of(attempt.name));
  return open == worktrees_.end() ? nullptr : &open->second;
}

/// Where an attempt sees the workspace.
std::string LocalSnapshots::place_of(const Attempt& attempt) const {
  const OpenWorktree* const open = find_worktree(attempt);
  if (open == nullptr) return root_;
  return Worktree(open->repository, root_, layout_.folder(attempt.name)).workspace();
}

changes::ReadSet LocalSnapshots::reads_so_far(AttemptName name, const engine::Observed& observed) {
  const Attempt* attempt = find(name);
  if (attempt == nullptr) return {};
  const Stack found(root_, seen_by(*attempt));
  return reads_seen(observed, found, place_of(*attempt));
}

Result<std::string> LocalSnapshots::content(AttemptName name, const std::string& path, Side side,
                                            std::size_t max_bytes) {
  const Attempt* attempt = find(name);
  std::optional<Attempt> kept;
  if (attempt == nullptr) {
    // Asked from outside a dispatcher, or of an attempt whose changes are in the workspace already.
    if (auto read = read_attempt(layout_, name)) attempt = &kept.emplace(std::move(*read));
  }
  if (attempt == nullptr || attempt->stage == Stage::open)
    return fail(Error::Kind::missing, fmt::format("nothing is kept of {}", folder_name(name)));
  if (side == Side::behind) return content_behind(*attempt, path, max_bytes);
  const Change* change = attempt->changes.find(path);
  if (change == nullptr && side == Side::after) {
    const auto found = Stack(root_, seen_by(*attempt)).look(path);
    return found ? read_regular(found->place, path, max_bytes)
                 : Result<std::string>(cannot("read", path, ENOENT));
  }
  if (change == nullptr) return cannot("read", path, ENOENT);
  const State& state = side == Side::before ? change->before : change->after;
  if (state.kind == Kind::absent) return cannot("read", path, ENOENT);
  const bool same =
      change->before.kind == Kind::file && change->before.digest == change->after.digest;
  const char* part = side == Side::after || same ? "after" : "before";
  return read_regular(layout_.file(name, part) + "/" + path, path, max_bytes);
}

Result<std::string> LocalSnapshots::content_behind(const Attempt& attempt, const std::string& path,
                                                   std::size_t max_bytes) const {
  std::vector<Layer> layers = seen_by(attempt);
  layers.push_back(layer_of(attempt));
  const Stack left(root_, std::move(layers));
  const Stack::Way way = left.follow(path);
  if (!way.path) {
    return fail(Error::Kind::io,
                fmt::format("cannot read `{}`: it leads out of the workspace, to `{}`",
                            printable(path), printable(way.outside)));
  }
  const auto found = left.look(*way.path);
  if (!found) return cannot("read", path, ENOENT);
  return workspace::read_file(left.open(found->place, O_RDONLY | workspace::kReadFlags), path,
                              max_bytes);
}

Result<std::string> LocalSnapshots::committed(const std::string& path, std::size_t max_bytes) {
  const auto found = now().look(path);
  if (!found) return cannot("read", path, ENOENT);
  return read_regular(found->place, path, max_bytes);
}

Result<Changeset> LocalSnapshots::amend(
    AttemptName name, const std::vector<std::pair<std::string, std::string>>& merged) {
  Attempt& attempt = known(name);
  check(attempt.stage == Stage::harvested, "only what waits is amended");
  for (const auto& [path, bytes] : merged)
    check(attempt.changes.find(path) != nullptr, "only what the attempt changed is merged");
  auto rested = rest_upon(layout_, attempt, merged, now());
  if (!rested) return rested;
  attempt.changes = std::move(*rested);
  if (auto kept = keep(attempt); !kept) return std::unexpected(kept.error());
  return attempt.changes;
}

/// From here on the attempt survives a power failure: all that its changes stand for first, and
/// then that they are there.
Result<void> LocalSnapshots::keep(const Attempt& attempt) {
  const std::string folder = layout_.folder(attempt.name);
  if (auto synced = sync_tree(folder, {"upper", "work", "tree"}, options_.on_synced); !synced)
    return synced;
  return write_changes(layout_, attempt, options_.on_synced);
}

Result<std::vector<std::string>> LocalSnapshots::commit(const Kept& kept,
                                                        const std::string& title) {
  Attempt& attempt = known(kept.name);
  check(attempt.stage == Stage::harvested, "what is committed was harvested, and is so once");
  check(kept.changes == nullptr || *kept.changes == attempt.changes,
        "the engine and the disk know the same changes");
  const Stack below = now();
  if (const auto why = does_not_rest(attempt.changes, below)) {
    return fail(Error::Kind::refused, fmt::format("cannot commit `{}`: {}", title, *why),
                "run the task again");
  }
  settle_folders(after(attempt), attempt.changes, below);
  const std::lock_guard one_by_one(git_mutex_);
  const History history(root_, layout_.folder(kept.name), run_, title);
  std::vector<std::string> remarks;
  if (attempt.isolation == plan::Isolation::worktree)
    remarks = history.commit_worktree(branch_of(kept.name), attempt, layer_of(attempt));
  if (options_.commit_per_task && !attempt.changes.empty())
    std::ranges::move(history.commit_task(layer_of(attempt)), std::back_inserter(remarks));
  attempt.stage = Stage::committed;
  if (!attempt.changes.empty()) {
    const std::lock_guard lock(mutex_);
    uncheckpointed_.push_back(&attempt);
  }
  // What is true of both of its commits is told once.
  std::set<std::string> reported;
  std::erase_if(remarks,
                [&](const std::string& remark) { return !reported.insert(remark).second; });
  return remarks;
}

Result<std::vector<std::string>> LocalSnapshots::checkpoint() {
  if (uncheckpointed_.empty()) {
    ::unlink(
        layout_.checkpoint_intent().c_str());  // Of a checkpoint that had come to its very end.
    return std::vector<std::string>();
  }
  if (auto hidden = hidden_by_mounts(); !hidden.empty()) return hidden;
  const std::vector<Layer> layers = uncheckpointed();
  Checkpoint checkpoint({.root = root_,
                         .intent = layout_.checkpoint_intent(),
                         .temporary_prefix = fmt::format(".interlock-{}-", run_),
                         .before_step = options_.before_step},
                        layers);
  auto foreign = checkpoint.check();
  if (!foreign || !foreign->empty()) return foreign;
  if (auto begun = checkpoint.begin(); !begun) return std::unexpected(begun.error());
  auto conflicts = checkpoint.apply();
  if (!conflicts || !conflicts->empty()) return conflicts;
  if (auto marked = mark_checkpointed(); !marked) return std::unexpected(marked.error());
  if (auto ended = checkpoint.finish(); !ended) return std::unexpected(ended.error());
  return std::vector<std::string>();
}

/// What views changed, and what something that was mounted since would take the place of. (A
/// worktree is made of what git saw there, and that was what is mounted.)
std::vector<std::string> LocalSnapshots::hidden_by_mounts() const {
  std::vector<std::string> hidden;
  const std::vector<std::string> mounts = mounts_in(root_);
  if (mounts.empty()) return hidden;
  for (const Attempt* attempt : uncheckpointed_) {
    if (attempt->isolation != plan::Isolation::view) continue;
    for (const Change& change : attempt->changes.changes) {
      if (std::ranges::any_of(mounts, [&](const std::string& mount) {
            return workspace::is_at_or_below(change.path, mount);
          }))
        hidden.push_back(change.path);
    }
  }
  std::ranges::sort(hidden);
  hidden.erase(std::ranges::unique(hidden).begin(), hidden.end());
  return hidden;
}

/// The oldest first: what a dispatcher that dies in between finds unmarked ends as the workspace
/// is.
Result<void> LocalSnapshots::mark_checkpointed() {
  for (Attempt* attempt : uncheckpointed_) {
    if (options_.before_step) options_.before_step();
    if (auto put = put_file(layout_.file(attempt->name, "folded"), ""); !put) return put;
    attempt->stage = Stage::checkpointed;
    for (const Change& change : attempt->changes.changes)
      checkpointed_[change.path] = {change.after, checkpoints_};
  }
  ++checkpoints_;
  const std::lock_guard lock(mutex_);
  uncheckpointed_.clear();
  return {};
}

/// Where there is a branch `interlock/<run>`, git has no room for others below that name.
std::string LocalSnapshots::branch_of(AttemptName name) const {
  const std::size_t index = name.task.index();
  const bool is_named = index < options_.task_ids.size();
  return fmt::format("interlock/{}{}{}", run_, options_.commit_per_task ? "." : "/",
                     branch_word(is_named ? options_.task_ids[index] : std::string(), index));
}

void LocalSnapshots::discard(AttemptName name) {
  const Attempt* const attempt = find(name);
  if (attempt == nullptr) return;
  const std::string check = layout_.file(name, fmt::format("check-{}", name.phase));
  if (name.phase != 0) {
    remove_tree(check);
    return;
  }
  // What people may want to see of a committed attempt stays.
  if (attempt->stage >= Stage::committed) return;
  remove_tree(layout_.folder(name));
  const std::lock_guard lock(mutex_);
  worktrees_.erase(key_of(name));
  attempts_.erase(key_of(name));
}

}  // namespace interlock::snapshots
