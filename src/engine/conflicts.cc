#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "changes/text_merge.h"
#include "engine/committer.h"
#include "engine/retry.h"

// What follows when others changed what an attempt saw: merge (file_merges.cc), mend, or do it
// again.
namespace interlock::engine {

namespace {

constexpr std::size_t kPathsKept = 20;
constexpr std::size_t kPathsShown = 50;

bool makes_folder(const changes::Changeset& made, std::string_view path) {
  const changes::Change* const change = made.find(path);
  return change != nullptr && change->before.kind == changes::Kind::absent &&
         change->after.kind == changes::Kind::folder;
}

}  // namespace

std::vector<changes::Stale> Committer::stale_in(const WaitingChanges& waiting) const {
  const TaskId id = waiting.name.task;
  return turn_.commits().stale_in(waiting, turn_.record_of(id).revived,
                                  turn_.task(id).footprint.reads);
}

Result<void> Committer::refuse(const WaitingChanges& waiting, const Conflict& met) {
  auto merging = files_to_merge(waiting, met);
  if (merging && merging->is_done() && take_merged(waiting, *merging)) return check_merged(waiting);
  if (merging && !merging->is_done()) {
    // A driver is asked when the run goes on.
    if (!turn_.ends_by_signal()) ask_driver(waiting.name, std::move(*merging));
    return {};
  }
  return refuse_commit(waiting, met);
}

/// What was changed is not committed; it is mended, or done again.
Result<void> Committer::refuse_commit(const WaitingChanges& waiting, Conflict conflict) {
  const TaskId id = waiting.name.task;
  for (const changes::Stale& one : conflict.stale)
    conflict.by.push_back(turn_.run().commits[waiting.base_version + one.by].task);
  // One task may have changed several of the paths.
  std::ranges::sort(conflict.by);
  conflict.by.erase(std::ranges::unique(conflict.by).begin(), conflict.by.end());
  std::vector<std::string> paths = conflict.paths();
  for (std::string& path : paths) path = changes::shown(path);
  const auto count = static_cast<std::uint32_t>(paths.size());
  // Of many, `count` says how many there were: events stay small.
  paths.resize(std::min(paths.size(), kPathsKept));
  std::vector<std::string> names;
  for (const TaskId by : conflict.by) names.push_back(fmt::format("`{}`", turn_.task(by).id));
  if (!conflict.foreign.empty()) names.push_back("somebody outside the run");
  // Agents begin with `mkdir -p`, which looks whether it is there.
  const bool folders_alone =
      conflict.foreign.empty() && !conflict.stale.empty() &&
      std::ranges::all_of(conflict.stale, [&](const changes::Stale& one) {
        const auto& by = turn_.commits().committed()[waiting.base_version + one.by];
        return makes_folder(waiting.own, one.path) && makes_folder(by.changes, one.path);
      });
  const std::string not_merged = std::exchange(conflict.detail, {});
  conflict.detail =
      fmt::format("{}{} changed meanwhile by {}{}", conflict.first(),
                  count == 1 ? " was" : fmt::format(" and {} more were", count - 1),
                  join_words(names, 3), not_merged.empty() ? "" : ", and " + not_merged);
  if (folders_alone) conflict.detail += ": a folder that is there from the start does not conflict";
  turn_.record(CommitRefused{id, waiting.name.attempt, std::move(paths), count, conflict.by,
                             conflict.detail});
  const bool can_be_mended =
      !waiting.failure && (!turn_.task(id).repair.empty() || turn_.can_resume(id));
  if (can_be_mended) conflict.reported = describe_changes(waiting, conflict);
  drop_changes(id);
  do_again(id, conflict);
  return {};
}

/// Its check runs upon the newest committed state; nothing else commits ahead of it meanwhile but
/// what commutes with it.
Result<void> Committer::check_merged(const WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  if (turn_.task(id).verify.empty()) return try_to_commit(waiting);
  // The attempt has ended in the journal: this is a check, and no attempt of its own.
  live_.add_and_spawn(Attempt({id, waiting.name.attempt, 2}, turn_.now()));
  return {};
}

Result<void> Committer::on_merged_checked(Attempt live, const Judgement& judgement) {
  const TaskId id = live.name().task;
  live_.erase(id);
  const WaitingChanges& waiting = turn_.commits().waiting().at(id);
  if (judgement.outcome == Outcome::succeeded) return try_to_commit(waiting);
  const bool is_finished = judgement.outcome == Outcome::cancelled && turn_.ends_by_signal();
  // Checked again when the run is taken up again.
  if (is_finished || judgement.outcome == Outcome::interrupted) return {};
  Conflict conflict;
  conflict.detail = fmt::format("its check failed on the merged files: {}", judgement.detail);
  std::vector<std::string> paths;
  for (const CacheKeyPart& file : waiting.merged) paths.push_back(file.name);
  const auto count = static_cast<std::uint32_t>(paths.size());
  paths.resize(std::min(paths.size(), kPathsKept));
  turn_.record(
      CommitRefused{id, live.name().attempt, std::move(paths), count, {}, conflict.detail});
  drop_changes(id);
  if (judgement.outcome == Outcome::cancelled) {
    turn_.record(TaskCancelled{id, judgement.detail});
  } else {
    do_again(id, conflict);
  }
  return {};
}

/// Its snapshot goes; that its changes wait no more is said by the event that follows.
void Committer::drop_changes(TaskId id) {
  const auto found = turn_.commits().waiting().find(id);
  if (found == turn_.commits().waiting().end()) return;
  // Others' reads may still be held against the snapshot of a batch.
  if (!found->second.batch) live_.discard(found->second.snapshot());
}

/// Again, upon what the workspace is now: at once the first times, then when all before it is over,
/// so that nobody can come in between.
void Committer::do_again(TaskId id, const Conflict& conflict) {
  using Trigger = AttemptStarted::Trigger;
  const int conflicts = turn_.record_of(id).conflicts;
  if (conflicts >= kConflictsMax) {
    return tasks_.fail_for_good(
        id, Outcome::conflicted,
        fmt::format("gave up after {} attempts: {}", conflicts, conflict.detail));
  }
  const auto because = conflict.reported.empty() ? Trigger::conflict : Trigger::repair;
  // Once it has its turn no task comes in between, only people do, and they take their time.
  const bool pauses = conflicts >= kConflictsInTurn && !conflict.foreign.empty();
  const Time at = turn_.now() +
                  (pauses ? pause_of(conflicts - kConflictsInTurn, turn_.seed_of(id)) : Duration{});
  turn_.record(RetryPlanned{id, because, at, false, conflict.reported});
}

/// For the agent that mends: which files changed, and how.
std::string Committer::describe_changes(const WaitingChanges& waiting,
                                        const Conflict& conflict) const {
  std::string text;
  std::size_t reported = 0;
  for (const changes::Stale& one : conflict.stale) {
    if (++reported > kPathsShown) break;
    const std::size_t last = waiting.base_version + one.by;
    // What the attempt found there is what the first commit since found there.
    std::size_t first = waiting.base_version;
    while (first < last && turn_.commits().committed()[first].changes.find(one.path) == nullptr)
      ++first;
    const AttemptName commit = turn_.commits().committed()[first].snapshot;
    std::optional<std::string> before, after;
    if (auto bytes =
            turn_.ports.tree.content(commit, one.path, Tree::Side::before, kMergedBytesMax))
      before = std::move(*bytes);
    if (auto bytes = turn_.ports.tree.committed(one.path, kMergedBytesMax))
      after = std::move(*bytes);
    text += one.what == changes::Stale::What::listing
                ? fmt::format("Changed: {}\n", changes::place_of(one))
                : changes::unified_diff(one.path, before, after);
  }
  return text;
}

}  // namespace interlock::engine
