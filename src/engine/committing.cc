#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "engine/cache_key.h"
#include "engine/engine.h"
#include "engine/shortage.h"
#include "engine/trace.h"

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

/// Reads back what was committed and what waits, and hands it to the port. A dispatcher that died
/// may have begun to fold: that is finished before anything looks at the workspace.
Result<void> Engine::recover_snapshots() {
  if (auto loaded = batch_.load_commits(); !loaded) return loaded;
  // Each round gives up at least one attempt.
  for (;;) {
    auto lost = recover_kept();
    if (!lost) return std::unexpected(lost.error());
    if (lost->empty()) break;
    give_up_lost(*lost);
  }
  commits_reported_ = commits().version();
  // What is committed is durable, and no snapshot is open: so nothing is in the way of this now.
  checkpoint();
  note_checkpoint();
  return {};
}

Result<std::vector<AttemptName>> Engine::recover_kept() {
  std::vector<Snapshots::Kept> uncheckpointed, waiting;
  const auto& committed = commits().committed();
  for (std::size_t i = run().checkpointed; i < committed.size(); ++i)
    uncheckpointed.push_back({committed[i].name, &committed[i].changes});
  for (const auto& [id, one] : commits().waiting()) {
    if (one.is_kept) waiting.push_back({one.name, &one.own});
  }
  return ports_.snapshots.recover(uncheckpointed, waiting);
}

/// What is not whole is done again, and so is what was built upon it: later commits, and what waits
/// and saw them.
void Engine::give_up_lost(const std::vector<AttemptName>& lost) {
  const auto is_lost = [&](AttemptName name) {
    return std::ranges::find(lost, name) != lost.end();
  };
  std::uint32_t stands = run().checkpointed;
  while (stands < run().commits.size() &&
         !is_lost({run().commits[stands].task, run().commits[stands].attempt, 0}))
    ++stands;
  std::set<TaskId> again;
  for (std::size_t i = stands; i < run().commits.size(); ++i) again.insert(run().commits[i].task);
  for (const auto& [id, one] : commits().waiting()) {
    if (is_lost(one.name) || std::max(one.snapshot_version, one.base_version) > stands)
      again.insert(id);
  }
  batch_.record(ChangesLost{
      stands,
      {again.begin(), again.end()},
      fmt::format("what `{}` changed is not kept whole any more", task(lost.front().task).id)});
}

void Engine::wait_for_turn(TaskId id) {
  batch_.record(ChangesReady{id, record(id).attempts.back().number});
}

/// In plan order, so that what the earlier ones change is there when the later ones are looked at.
void Engine::commit_what_may() {
  std::vector<TaskId> waiting;
  for (const auto& [id, one] : commits().waiting()) waiting.push_back(id);
  for (const TaskId id : waiting) {
    if (broken_) return;
    if (record(id).state != TaskState::committing || live_.contains(id)) continue;
    const WaitingChanges& one = commits().waiting().at(id);
    if (!one.merged.empty()) {
      check_merged(one);  // Taken up again between its merge and its check.
    } else if (may_commit(one)) {
      try_to_commit(one);
    }
  }
  close_snapshots_of_batches();
  stop_stale();
}

/// Whether all earlier tasks are over, or cannot do anything that would make a difference.
bool Engine::may_commit(const WaitingChanges& waiting) {
  WaitingNotes& notes = notes_[waiting.name.task];
  const auto stands_in_the_way = [&](TaskId id) {
    return !is_over(record(id).state) &&
           !changes::commutes(waiting.reads, waiting.to_commit(), task(id).footprint);
  };
  if (notes.behind && stands_in_the_way(*notes.behind)) return false;
  notes.behind.reset();
  for (std::uint32_t i = 0; i < waiting.name.task.index(); ++i) {
    if (!stands_in_the_way(TaskId(i))) continue;
    notes.behind = TaskId(i);
    return false;
  }
  return true;
}

void Engine::try_to_commit(const WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  // Where a person asked for the task again, that it sees later ones is as they wished.
  const auto too_soon =
      record(id).revived ? std::vector<changes::Stale>() : commits().seen_too_soon(waiting);
  if (!too_soon.empty()) {
    const std::string detail = fmt::format(
        "it touched {}, which a later task had already changed: its `reads` and "
        "`writes` do not name that",
        changes::place_of(gravest(too_soon)));
    drop_changes(id);
    return fail_for_good(id, Outcome::outside_footprint, detail);
  }
  // Before it is looked whether anything is stale: what is found now and is not stale is what it
  // found.
  WaitingNotes& notes = notes_[id];
  notes.missed = first_missing(ports_.workspace,
                               undeclared_ways(task(id).footprint, waiting.reads, waiting.own));
  std::optional<Trace> trace = trace_of(waiting, notes);
  const Conflict conflict = conflict_of(waiting);
  if (!conflict.empty()) return refuse(waiting, conflict);
  if (!waiting.failure) return commit(waiting, std::move(trace));
  const WaitingChanges::Failure failure = *waiting.failure;
  drop_changes(id);
  fail_for_good(id, failure.outcome, failure.detail);
}

Conflict Engine::conflict_of(const WaitingChanges& waiting) const {
  Conflict conflict;
  conflict.stale = stale_in(waiting);
  if (waiting.is_kept || waiting.batch)
    conflict.foreign = ports_.snapshots.foreign(waiting.batch.value_or(waiting.name), waiting.reads,
                                                waiting.to_commit());
  return conflict;
}

/// Only where its parts of the cache key alone would not tell.
std::optional<Trace> Engine::trace_of(const WaitingChanges& waiting, const WaitingNotes& notes) {
  const footprint::Footprint& footprint = task(waiting.name.task).footprint;
  const bool names_all = !footprint.unknown && first_undeclared(footprint, waiting.reads).empty() &&
                         undeclared_folder(footprint, waiting.own).empty() && notes.missed.empty();
  if (names_all || waiting.failure || !waiting.merged.empty() || !notes.not_comparable.empty())
    return std::nullopt;
  Trace trace;
  trace.reads = reads_to_find_again(waiting.reads, waiting.own);
  const auto found = ports_.workspace.states(trace.reads);
  if (!found) return std::nullopt;
  for (const CacheKeyPart& one : *found) trace.found.push_back(one.digest);
  return trace;
}

/// Once its changes are committed: what it left is looked at as whoever comes next finds it.
Engine::Evidence Engine::evidence_of(const WaitingChanges& waiting, const WaitingNotes& notes,
                                     std::optional<Trace> trace) {
  const plan::Task& it = task(waiting.name.task);
  const std::string beyond = first_undeclared(it.footprint, waiting.reads);
  const std::string folder = undeclared_folder(it.footprint, waiting.own);
  const bool names_all = beyond.empty() && folder.empty() && notes.missed.empty();
  if (!it.footprint.unknown && names_all) return {};
  if (trace) {
    // Each change is something it wrote, and what it wrote as it was may have come to differ since.
    trace->left = notes.wrote;
    if (const auto left = ports_.workspace.states(states_of(trace->left))) {
      for (const CacheKeyPart& one : *left) trace->left_states.push_back(one.digest);
      Blob blob{{}, to_text(*trace)};
      blob.digest = digest_of(blob.bytes);
      const Digest digest = blob.digest;
      batch_.keep(std::move(blob));
      return {digest, {}};
    }
  }
  if (!beyond.empty()) return {{}, undeclared_read(beyond, setup_.run)};
  const std::string why =
      !notes.not_comparable.empty() ? notes.not_comparable
      : !waiting.merged.empty()     ? "it was merged with others' changes"
      : !folder.empty()
          ? fmt::format("it left the empty folder `{}`, which its `writes` do not name", folder)
      : !notes.missed.empty()
          ? fmt::format("it missed the folder `{}`, which its `reads` do not name", notes.missed)
          : "what it read cannot be read back";
  return {{}, incomparable(why, setup_.run)};
}

void Engine::commit(const WaitingChanges& waiting, std::optional<Trace> trace) {
  const TaskId id = waiting.name.task;
  if (waiting.batch) return set_done(id, {}, evidence_of(waiting, notes_[id], std::move(trace)));
  const auto done = ports_.snapshots.commit({waiting.name, &waiting.own},
                                            fmt::format("{}/{}", setup_.run, task(id).id));
  if (!done && done.error().kind == Error::Kind::refused) {
    // What it changed does not fit on what is there now: somebody came in between.
    Conflict conflict;
    conflict.detail = done.error().message;
    const std::string path = changes::shown(waiting.own.changes.front().path);
    batch_.record(CommitRefused{id, waiting.name.attempt, {path}, 1, {}, conflict.detail});
    drop_changes(id);
    return do_again(id, conflict);
  }
  if (!done) {
    broken_ = done.error();
    return;
  }
  // From the event on it is committed, and waits no more.
  const WaitingChanges whole = waiting;
  batch_.record(ChangesCommitted{id, whole.name.attempt, digest_of(changes::to_text(whole.own)),
                                 static_cast<std::uint32_t>(whole.own.changes.size()), *done});
  // Without declared writes, what it changed is what it wrote.
  // So it is where what it wrote cannot be read back, which only keeps it from being reused.
  Digest wrote = digest_of_result(whole.own);
  if (!task(id).footprint.unknown)
    wrote = ports_.workspace.fingerprint(task(id).footprint.writes).value_or(wrote);
  set_done(id, wrote, evidence_of(whole, notes_[id], std::move(trace)));
}

/// Stops attempts that have read what an earlier task's commit has changed meanwhile: they would be
/// done again in any case. Those that can be mended or merged go on.
void Engine::stop_stale() {
  if (commits_reported_ == commits().version()) return;
  commits_reported_ = commits().version();
  for (auto& [id, live] : live_) {
    const plan::Task& it = task(id);
    // Not one that was started in this very turn, or could not be started yet: it has read nothing.
    if (live.stopped_for() || live.name().phase != 0 || !snapshots_.contains(live.name())) continue;
    const bool can_be_mended = !it.repair.empty() || can_resume(id);
    if (it.merge_text || can_be_mended || it.observe == plan::Observe::declared) continue;
    WaitingChanges so_far;
    so_far.name = live.name();
    so_far.base_version = record(id).attempts.back().snapshot_version;
    so_far.reads =
        ports_.snapshots.reads_so_far(live.name(), ports_.processes.observed(live.name()));
    if (so_far.reads.from != changes::ReadsFrom::observed) continue;
    const auto stale = stale_in(so_far);
    if (stale.empty()) continue;
    const changes::Stale& one = gravest(stale);
    const std::string detail =
        fmt::format("{}, which it had read, was changed by `{}` meanwhile", changes::place_of(one),
                    task(run().commits[so_far.base_version + one.by].task).id);
    stop(live, Outcome::conflicted, detail);
  }
}

/// Brings what is committed into the workspace, at a moment when no snapshot stands on it. What
/// came of it is an event of the next turn.
void Engine::checkpoint() {
  if (!snapshots_.empty() || checkpointed_ || run().checkpointed == run().commits.size()) return;
  if (!run().checkpoint_refused.empty() && !run().stopping.empty()) return;
  if (left_for_resume()) return;
  checkpointed_ = ports_.snapshots.checkpoint();
  checkpointed_count_ = static_cast<std::uint32_t>(run().commits.size());
}

void Engine::note_checkpoint() {
  if (!checkpointed_) return;
  const auto result = *std::exchange(checkpointed_, std::nullopt);
  if (!result && is_interruption(result.error())) {
    checkpoint_broken_off_ = interrupts_ > 0;  // The next one goes on.
    return;
  }
  if (!result) {
    broken_ = result.error();
    return;
  }
  if (result->empty()) {
    batch_.record(ChangesCheckpointed{checkpointed_count_});
    return;
  }
  std::vector<std::string> paths;
  for (const std::string& path : *result) paths.push_back(changes::shown(path));
  batch_.record(CheckpointRefused{std::move(paths)});
  if (run().is_held()) return;
  batch_.record(RunStopping{
      fmt::format("`{}` was changed by somebody else while changes waited to be brought in: put "
                  "that back or aside, then `interlock resume {}`",
                  changes::shown(result->front()), setup_.run),
      RunStopping::Cause::checkpoint});
}

}  // namespace interlock::engine
