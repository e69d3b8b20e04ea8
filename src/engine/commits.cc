#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/ingredients.h"

// When changes are committed, and how they come into the workspace.
namespace interlock::engine {

namespace {

bool is_over(TaskState state) { return state >= TaskState::done; }

/// Of what the paths it changed are now, whatever they were before.
Digest digest_of_result(const changes::Changeset& changeset) {
  Hasher hasher;
  for (const changes::Change& one : changeset.changes) {
    hasher.add_field(one.path).add_field(changes::name_of(one.after.kind));
    hasher.add_field(fmt::format("{:o}", one.after.mode)).add_field(one.after.digest);
  }
  return hasher.finish();
}

}  // namespace

std::vector<std::string> WaitingChanges::paths() const {
  std::vector<std::string> all;
  for (const auto* list : {&reads.content, &reads.listing, &reads.presence})
    all.insert(all.end(), list->begin(), list->end());
  for (const changes::Change& one : own.changes) all.push_back(one.path);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

/// Reads back what was committed and what waits, and hands it to the port. A dispatcher that died
/// may have begun to fold: that is finished before anything looks at the workspace.
Result<void> Engine::take_up_views() {
  std::vector<Views::Kept> unfolded, waiting;
  committed_.reserve(run().commits.size());
  for (const CommitRecord& commit : run().commits) {
    auto text = ports_.journal.blob(commit.changes);
    if (!text) return std::unexpected(text.error());
    auto changes = changes::changeset_from_text(*text);
    if (!changes) return std::unexpected(changes.error());
    committed_.push_back(std::move(*changes));
  }
  for (std::size_t i = run().folded; i < committed_.size(); ++i) {
    const CommitRecord& commit = run().commits[i];
    unfolded.push_back({{commit.task, commit.attempt, 0}, &committed_[i]});
  }
  for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
    const TaskRecord& it = run().tasks[i];
    const bool waits = it.state == TaskState::committing || it.state == TaskState::reviewing;
    if (!waits || !it.attempts.back().changes) continue;
    auto one = read_waiting(TaskId(i));
    if (!one) return std::unexpected(one.error());
    waiting_.insert_or_assign(TaskId(i), std::move(*one));
  }
  for (const auto& [id, one] : waiting_) waiting.push_back({one.name, &one.own});
  commits_told_ = static_cast<std::uint32_t>(committed_.size());
  if (auto taken = ports_.views.take_up(unfolded, waiting); !taken) return taken;
  // What is committed is durable, and no picture is open: so nothing is in the way of this now.
  fold();
  note_fold();
  return {};
}

Result<WaitingChanges> Engine::read_waiting(TaskId id) {
  const AttemptRecord& attempt = record(id).attempts.back();
  WaitingChanges waiting;
  waiting.name = {id, attempt.number, 0};
  waiting.seen = attempt.seen;
  waiting.rests_on = std::max(attempt.seen, attempt.merged_on);
  waiting.is_checked = attempt.merged.empty();
  auto changes = ports_.journal.blob(*attempt.changes);
  if (!changes) return std::unexpected(changes.error());
  auto own = changes::changeset_from_text(*changes);
  if (!own) return std::unexpected(own.error());
  waiting.own = std::move(*own);
  auto reads = ports_.journal.blob(attempt.reads.value_or(Digest{}));
  if (!reads) return std::unexpected(reads.error());
  auto read = changes::read_set_from_text(*reads);
  if (!read) return std::unexpected(read.error());
  waiting.reads = std::move(*read);
  for (const Ingredient& file : attempt.merged) {
    auto bytes = ports_.journal.blob(file.digest);
    if (!bytes) return std::unexpected(bytes.error());
    waiting.merged.emplace_back(file.name, std::move(*bytes));
  }
  return waiting;
}

void Engine::wait_for_turn(TaskId id) {
  ledger_.record(ChangesReady{id, record(id).attempts.back().number});
}

/// In plan order, so that what the earlier ones change is there when the later ones are looked at.
void Engine::commit_what_may() {
  std::vector<TaskId> waiting;
  for (const auto& [id, one] : waiting_) waiting.push_back(id);
  for (const TaskId id : waiting) {
    if (record(id).state != TaskState::committing || live_.contains(id)) continue;
    WaitingChanges& one = waiting_.at(id);
    if (!one.is_checked) {
      check_merged(one);  // Taken up again between its merge and its check.
    } else if (may_commit(one)) {
      try_to_commit(one);
    }
  }
  stop_stale();
}

/// Whether all earlier tasks are over, or cannot do anything that would make a difference.
bool Engine::may_commit(WaitingChanges& waiting) {
  const auto stands_in_the_way = [&](TaskId id) {
    return !is_over(record(id).state) &&
           !changes::commutes(waiting.reads, waiting.own, task(id).footprint);
  };
  if (waiting.behind && stands_in_the_way(*waiting.behind)) return false;
  waiting.behind.reset();
  for (std::uint32_t i = 0; i < waiting.name.task.index(); ++i) {
    if (!stands_in_the_way(TaskId(i))) continue;
    waiting.behind = TaskId(i);
    return false;
  }
  return true;
}

void Engine::try_to_commit(WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  const std::vector<changes::Stale> too_soon = seen_too_soon(waiting);
  if (!too_soon.empty()) {
    const std::string detail = fmt::format(
        "it touched {}, which a later task had already changed: its `reads` and "
        "`writes` do not name that",
        changes::place_of(gravest(too_soon)));
    drop_changes(id);
    return fail_for_good(id, Outcome::outside_footprint, detail);
  }
  Meeting meeting;
  meeting.stale = stale_in(waiting);
  meeting.foreign = ports_.views.foreign(waiting.name, waiting.paths());
  if (meeting.empty()) return commit(waiting);
  refuse(waiting, meeting);
}

void Engine::commit(WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  const auto done = ports_.views.commit({waiting.name, &waiting.own},
                                        fmt::format("{}/{}", setup_.run, task(id).id));
  if (!done) {
    broken_ = done.error();
    return;
  }
  ChangesCommitted fact{id, waiting.name.attempt, digest_of(changes::to_text(waiting.own)),
                        static_cast<std::uint32_t>(waiting.own.changes.size())};
  ledger_.record(std::move(fact));
  // Without declared writes, what it changed is what it wrote.
  std::optional<Digest> wrote;
  if (task(id).footprint.unknown) wrote = digest_of_result(waiting.own);
  const std::string read_beyond = first_undeclared(task(id).footprint, waiting.reads);
  committed_.push_back(std::move(waiting.own));
  waiting_.erase(id);
  set_done(id, wrote, read_beyond);
}

/// Stops attempts that have read what an earlier task's commit has changed meanwhile: they would be
/// done again in any case. Those that can be mended or merged go on.
void Engine::stop_stale() {
  if (commits_told_ == committed_.size()) return;
  commits_told_ = static_cast<std::uint32_t>(committed_.size());
  for (auto& [id, live] : live_) {
    const plan::Task& it = task(id);
    if (live.stopped_for || live.name.phase != 0 || !has_picture(id)) continue;
    const bool can_be_mended = !it.repair.empty() || can_resume(id);
    if (it.merge_text || can_be_mended || it.observe == plan::Observe::declared) continue;
    WaitingChanges so_far;
    so_far.name = live.name;
    so_far.rests_on = record(id).attempts.back().seen;
    so_far.reads = ports_.views.reads_so_far(live.name, ports_.processes.observed(live.name));
    if (so_far.reads.from != changes::ReadsFrom::observed) continue;
    const auto stale = stale_in(so_far);
    if (stale.empty()) continue;
    const changes::Stale& one = gravest(stale);
    live.stale =
        fmt::format("{}, which it had read, was changed by `{}` meanwhile", changes::place_of(one),
                    task(run().commits[so_far.rests_on + one.by].task).id);
    stop(live, Outcome::conflicted);
  }
}

/// Brings what is committed into the workspace, at a moment when no picture stands on it. What came
/// of it is a fact of the next turn.
void Engine::fold() {
  if (!pictures_.empty() || folded_ || run().folded == run().commits.size()) return;
  if (!run().fold_refused.empty() && !run().stopping.empty()) return;
  folded_ = ports_.views.fold();
  folded_count_ = static_cast<std::uint32_t>(run().commits.size());
}

void Engine::note_fold() {
  if (!folded_) return;
  const auto result = *std::exchange(folded_, std::nullopt);
  if (!result) {
    broken_ = result.error();
    return;
  }
  if (result->empty()) {
    ledger_.record(ChangesFolded{folded_count_});
    return;
  }
  std::vector<std::string> paths;
  for (const std::string& path : *result) paths.push_back(changes::shown(path));
  ledger_.record(FoldRefused{std::move(paths)});
  scheduler_.stop(true);
  if (!run().stopping.empty()) return;
  ledger_.record(RunStopping{
      fmt::format("`{}` was changed by somebody else while changes waited to be brought in: put "
                  "that back or aside, then `interlock resume {}`",
                  changes::shown(result->front()), setup_.run)});
}

}  // namespace interlock::engine
