#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/text.h"
#include "changes/text_merge.h"
#include "engine/engine.h"
#include "engine/retry.h"

// What follows when others changed what an attempt saw: merge, mend, or do it again.
namespace interlock::engine {

namespace {

constexpr std::size_t kPathsKept = 20;
constexpr std::size_t kPathsShown = 50;

/// What was declared is read whether it was there or not: a file that came meanwhile counts as
/// well.
void add_declared(const footprint::PatternSet& reads,
                  std::span<const changes::Changeset* const> since,
                  std::vector<changes::Stale>& stale) {
  std::map<std::string, changes::Stale> all;
  for (std::size_t i = 0; i < since.size(); ++i) {
    for (const changes::Change& change : since[i]->changes) {
      if (reads.matches(change.path))
        all.insert_or_assign(change.path,
                             changes::Stale{change.path, changes::Stale::What::content, i});
    }
  }
  for (changes::Stale& one : stale) all.insert_or_assign(one.path, one);
  stale.clear();
  for (auto& [path, one] : all) stale.push_back(std::move(one));
}

bool can_be_merged(const std::vector<changes::Stale>& stale) {
  return std::ranges::all_of(
      stale, [](const changes::Stale& one) { return one.what == changes::Stale::What::written; });
}

}  // namespace

std::vector<std::string> Conflict::paths() const {
  std::vector<std::string> all = foreign;
  for (const changes::Stale& one : stale) all.push_back(one.path);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

std::string Conflict::first() const {
  return foreign.empty() ? changes::place_of(gravest(stale))
                         : fmt::format("`{}`", changes::shown(foreign.front()));
}

const changes::Stale& gravest(const std::vector<changes::Stale>& stale) {
  return *std::ranges::min_element(stale, {}, &changes::Stale::what);
}

/// What earlier tasks committed since the snapshot was opened. Later ones that went ahead come
/// after it in plan order: what they changed is not its concern, and was proven not to be.
std::vector<changes::Stale> Engine::stale_in(const WaitingChanges& waiting) const {
  std::vector<const changes::Changeset*> since;
  std::vector<std::size_t> which;
  for (std::size_t i = waiting.base_version; i < committed_.size(); ++i) {
    if (run().commits[i].task > waiting.name.task && !record(waiting.name.task).revived) continue;
    since.push_back(&committed_[i]);
    which.push_back(i - waiting.base_version);
  }
  auto stale = changes::stale(waiting.reads, waiting.to_commit(), since);
  if (waiting.reads.from == changes::ReadsFrom::declared)
    add_declared(task(waiting.name.task).footprint.reads, since, stale);
  for (changes::Stale& one : stale) one.by = which[one.by];
  return stale;
}

/// What it touched that a later task had changed before its snapshot was opened: it saw what is yet
/// to come. Where a person asked for the task again, that is as they wished.
std::vector<changes::Stale> Engine::seen_too_soon(const WaitingChanges& waiting) const {
  if (record(waiting.name.task).revived) return {};
  std::vector<const changes::Changeset*> later;
  for (std::size_t i = 0; i < committed_.size(); ++i) {
    const bool visible = i < waiting.snapshot_version;
    if (run().commits[i].task > waiting.name.task && visible) later.push_back(&committed_[i]);
  }
  if (later.empty() || waiting.reads.from == changes::ReadsFrom::everything) return {};
  return changes::stale(waiting.reads, waiting.to_commit(), later);
}

void Engine::refuse(WaitingChanges& waiting, const Conflict& met) {
  const TaskId id = waiting.name.task;
  Conflict conflict = met;
  for (const changes::Stale& one : conflict.stale)
    conflict.by.push_back(run().commits[waiting.base_version + one.by].task);
  std::ranges::sort(conflict.by);
  conflict.by.erase(std::ranges::unique(conflict.by).begin(), conflict.by.end());
  if (merge_texts(waiting, conflict)) return;

  std::vector<std::string> paths = conflict.paths();
  for (std::string& path : paths) path = changes::shown(path);
  const auto count = static_cast<std::uint32_t>(paths.size());
  paths.resize(std::min(paths.size(), kPathsKept));
  std::vector<std::string> names;
  for (const TaskId by : conflict.by) names.push_back(fmt::format("`{}`", task(by).id));
  if (!conflict.foreign.empty()) names.push_back("somebody outside the run");
  conflict.detail = fmt::format("{}{} changed meanwhile by {}", conflict.first(),
                                count == 1 ? " was" : fmt::format(" and {} more were", count - 1),
                                join_words(names, 3));
  batch_.record(CommitRefused{id, waiting.name.attempt, std::move(paths), count, conflict.by,
                              conflict.detail});
  const bool can_be_mended = !waiting.failure && (!task(id).repair.empty() || can_resume(id));
  if (can_be_mended) conflict.reported = describe_changes(waiting, conflict);
  drop_changes(id);
  do_again(id, conflict);
}

/// Joins the texts that both sides changed, where the task allows that and there is no more to the
/// conflict. The task's check runs on the result before it commits.
bool Engine::merge_texts(WaitingChanges& waiting, const Conflict& conflict) {
  const TaskId id = waiting.name.task;
  if (waiting.failure || !task(id).merge_text || !conflict.foreign.empty() ||
      !can_be_merged(conflict.stale))
    return false;
  std::vector<std::pair<std::string, std::string>> merged;
  for (const changes::Stale& one : conflict.stale) {
    const changes::Change* change = waiting.own.find(one.path);
    // The journal names the files it merges as text.
    if (change == nullptr || change->before.kind != changes::Kind::file ||
        change->after.kind != changes::Kind::file || first_bad_utf8(one.path))
      return false;
    const auto read = [&](Snapshots::Side side) {
      return ports_.snapshots.content(waiting.name, one.path, side, kMergedBytesMax);
    };
    const auto ancestor = read(Snapshots::Side::before);
    const auto mine = read(Snapshots::Side::after);
    const auto theirs = ports_.snapshots.committed(one.path, kMergedBytesMax);
    if (!ancestor || !mine || !theirs) return false;
    auto joined = changes::merge_three(*ancestor, *mine, *theirs);
    if (!joined) return false;
    merged.emplace_back(one.path, std::move(*joined));
  }
  auto amended = ports_.snapshots.amend(waiting.name, merged);
  if (!amended) return false;
  std::string text = changes::to_text(*amended);
  ChangesMerged event{
      id, waiting.name.attempt, digest_of(text), static_cast<std::uint32_t>(committed_.size()), {}};
  batch_.keep(Blob{event.changes, std::move(text)});
  for (const auto& [path, bytes] : merged) {
    const Blob blob{digest_of(bytes), bytes};
    event.files.push_back({path, blob.digest});
    batch_.keep(blob);
  }
  batch_.record(std::move(event));
  waiting.own = std::move(*amended);
  waiting.merged = std::move(merged);
  waiting.base_version = static_cast<std::uint32_t>(committed_.size());
  check_merged(waiting);
  return true;
}

/// Its check runs upon the newest committed state; nothing else commits ahead of it meanwhile but
/// what commutes with it.
void Engine::check_merged(WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  waiting.is_checked = true;
  if (task(id).verify.empty()) return try_to_commit(waiting);
  Live live;
  live.name = {id, waiting.name.attempt, 2};
  live.started = now();
  acts_.push_back({Act::Kind::spawn, live.name, {}});
  live_.insert_or_assign(id, std::move(live));
}

void Engine::on_merged_checked(Live live, const Judgement& judgement) {
  const TaskId id = live.name.task;
  live_.erase(id);
  WaitingChanges& waiting = waiting_.at(id);
  if (judgement.outcome == Outcome::succeeded) return try_to_commit(waiting);
  const bool is_finished = judgement.outcome == Outcome::cancelled && is_letting_go();
  if (is_finished || judgement.outcome == Outcome::interrupted) {
    waiting.is_checked = false;  // Checked again when the run is taken up again.
    return;
  }
  Conflict conflict;
  conflict.detail = fmt::format("its check failed on the merged files: {}", judgement.detail);
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : waiting.merged) paths.push_back(path);
  const auto count = static_cast<std::uint32_t>(paths.size());
  paths.resize(std::min(paths.size(), kPathsKept));
  batch_.record(CommitRefused{id, live.name.attempt, std::move(paths), count, {}, conflict.detail});
  drop_changes(id);
  if (judgement.outcome != Outcome::cancelled) return do_again(id, conflict);
  batch_.record(TaskCancelled{id, judgement.detail});
}

void Engine::drop_changes(TaskId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  // Others' reads may still be held against the snapshot of a batch.
  if (!found->second.batch) acts_.push_back({Act::Kind::discard, found->second.name, {}});
  waiting_.erase(found);
}

/// Again, upon what the workspace is now: at once the first times, then when all before it is over,
/// so that nobody can come in between.
void Engine::do_again(TaskId id, const Conflict& conflict) {
  using Trigger = AttemptStarted::Trigger;
  const int conflicts = record(id).conflicts;
  if (conflicts >= kConflictsMax) {
    return fail_for_good(id, Outcome::conflicted,
                         fmt::format("gave up after {} attempts: {}", conflicts, conflict.detail));
  }
  const auto because = conflict.reported.empty() ? Trigger::conflict : Trigger::repair;
  // Once it has its turn only people come in between, and they take their time.
  const bool in_turn = conflicts >= kConflictsInTurn;
  const Time at =
      now() + (in_turn ? pause_of(conflicts - kConflictsInTurn, seed_of(id)) : Duration{});
  batch_.record(RetryPlanned{id, because, at, false, conflict.reported});
}

/// For the agent that mends: which files changed, and how.
std::string Engine::describe_changes(const WaitingChanges& waiting, const Conflict& conflict) {
  std::string text;
  std::size_t reported = 0;
  for (const changes::Stale& one : conflict.stale) {
    if (++reported > kPathsShown) break;
    const std::size_t last = waiting.base_version + one.by;
    // What the attempt found there is what the first commit since found there.
    std::size_t first = waiting.base_version;
    while (first < last && committed_[first].find(one.path) == nullptr) ++first;
    const CommitRecord& commit = run().commits[first];
    std::optional<std::string> before, after;
    if (auto bytes = ports_.snapshots.content({commit.task, commit.attempt, 0}, one.path,
                                              Snapshots::Side::before, kMergedBytesMax))
      before = std::move(*bytes);
    if (auto bytes = ports_.snapshots.committed(one.path, kMergedBytesMax))
      after = std::move(*bytes);
    text += one.what == changes::Stale::What::listing
                ? fmt::format("Changed: {}\n", changes::place_of(one))
                : changes::unified_diff(one.path, before, after);
  }
  return text;
}

}  // namespace interlock::engine
