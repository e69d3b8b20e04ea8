#include "engine/committer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "engine/cache_key.h"

// When changes are committed.
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

Result<void> Committer::commit_what_may() {
  // A commit may end others that wait: each is looked for again.
  std::vector<TaskId> waiting;
  for (const auto& [id, one] : turn_.commits().waiting()) waiting.push_back(id);
  for (const TaskId id : waiting) {
    if (turn_.record_of(id).state != TaskState::committing || live_.contains(id)) continue;
    const WaitingChanges& one = turn_.commits().waiting().at(id);
    Result<void> done;
    if (!one.merged.empty()) {
      done = check_merged(one);  // Taken up again between its merge and its check.
    } else if (may_commit(one)) {
      done = try_to_commit(one);
    }
    if (!done) return done;
  }
  // Only now: what was committed may have been the last that was held against them.
  snapshots_.close_those_of_batches(live_);
  stop_stale();
  return {};
}

/// Whether all earlier tasks are over, or cannot do anything that would make a difference.
bool Committer::may_commit(const WaitingChanges& waiting) {
  WaitingNotes& notes = collector_.notes_of(waiting.name.task);
  const auto& try_of = turn_.task(waiting.name.task).try_of;
  const auto stands_in_the_way = [&](TaskId id) {
    // A try sees nothing of another, and nothing of it is committed: it waits only to be believed.
    if (try_of && turn_.task(id).try_of == try_of) return false;
    return !is_over(turn_.record_of(id).state) &&
           !changes::commutes(waiting.reads, waiting.to_commit(), turn_.task(id).footprint);
  };
  // Asked again in every turn: most of the time it is the same one.
  if (notes.behind && stands_in_the_way(*notes.behind)) return false;
  notes.behind.reset();
  for (std::uint32_t i = 0; i < waiting.name.task.index(); ++i) {
    if (!stands_in_the_way(TaskId(i))) continue;
    notes.behind = TaskId(i);
    return false;
  }
  return true;
}

Result<void> Committer::try_to_commit(const WaitingChanges& waiting) {
  const TaskId id = waiting.name.task;
  // Where a person asked for the task again, that it sees later ones is as they wished.
  const auto too_soon = turn_.record_of(id).revived ? std::vector<changes::Stale>()
                                                    : turn_.commits().seen_too_soon(waiting);
  if (!too_soon.empty()) {
    const std::string detail = fmt::format(
        "it touched {}, which a later task had already changed: its `reads` and "
        "`writes` do not name that",
        changes::place_of(gravest(too_soon)));
    drop_changes(id);
    tasks_.fail_for_good(id, Outcome::outside_footprint, detail);
    return {};
  }
  // Before it is looked whether anything is stale: what is found now and is not stale is what it
  // found.
  WaitingNotes& notes = collector_.notes_of(id);
  notes.missed = first_missing(
      turn_.ports.workspace, undeclared_ways(turn_.task(id).footprint, waiting.reads, waiting.own));
  std::optional<Trace> trace = trace_of(turn_, waiting, notes);
  const Conflict conflict = conflict_of(waiting);
  if (!conflict.empty()) return refuse(waiting, conflict);
  if (!waiting.failure) return commit(waiting, std::move(trace));
  const WaitingChanges::Failure failure = *waiting.failure;
  drop_changes(id);
  tasks_.fail_for_good(id, failure.outcome, failure.detail);
  return {};
}

Conflict Committer::conflict_of(const WaitingChanges& waiting) const {
  Conflict conflict;
  conflict.stale = stale_in(waiting);
  if (waiting.is_kept || waiting.batch)
    conflict.foreign = turn_.ports.tree.foreign(waiting.batch.value_or(waiting.snapshot()),
                                                waiting.reads, waiting.to_commit());
  return conflict;
}

Result<void> Committer::commit(const WaitingChanges& waiting, std::optional<Trace> trace) {
  const TaskId id = waiting.name.task;
  if (waiting.batch)
    return tasks_.set_done(id, {},
                           evidence_of(turn_, waiting, collector_.notes_of(id), std::move(trace)));
  const auto done = turn_.ports.tree.commit(
      {waiting.snapshot(), &waiting.own}, fmt::format("{}/{}", turn_.setup.run, turn_.task(id).id));
  if (!done && done.error().kind == Error::Kind::refused) {
    // What it changed does not fit on what is there now: somebody came in between.
    Conflict conflict;
    conflict.detail = done.error().message;
    const std::string path = changes::shown(waiting.own.changes.front().path);
    turn_.record(CommitRefused{id, waiting.name.attempt, {path}, 1, {}, conflict.detail});
    drop_changes(id);
    do_again(id, conflict);
    return {};
  }
  if (!done) return std::unexpected(done.error());
  // From the event on it is committed, and waits no more.
  const WaitingChanges whole = waiting;
  turn_.record(ChangesCommitted{id, whole.name.attempt, digest_of(changes::to_text(whole.own)),
                                static_cast<std::uint32_t>(whole.own.changes.size()), *done});
  // Without declared writes, what it changed is what it wrote.
  // So it is where what it wrote cannot be read back, which only keeps it from being reused.
  Digest wrote = digest_of_result(whole.own);
  if (!turn_.task(id).footprint.unknown)
    wrote = turn_.ports.workspace.fingerprint(turn_.task(id).footprint.writes).value_or(wrote);
  return tasks_.set_done(id, wrote,
                         evidence_of(turn_, whole, collector_.notes_of(id), std::move(trace)));
}

/// Stops attempts that have read what an earlier task's commit has changed meanwhile: they would be
/// done again in any case. Those that can be mended or merged go on.
void Committer::stop_stale() {
  if (reported_ == turn_.commits().version()) return;
  reported_ = turn_.commits().version();
  for (auto& [id, live] : live_) {
    const plan::Task& it = turn_.task(id);
    // Not one that was started in this very turn, or could not be started yet: it has read nothing.
    if (live.stopped_for() || live.name().phase != 0 || !snapshots_.contains(live.name())) continue;
    if (live.state() != Attempt::State::running) continue;  // It has read all that it will.
    const bool can_be_mended = !it.repair.empty() || turn_.can_resume(id);
    if (it.merge_text || can_be_mended || it.observe == plan::Observe::declared) continue;
    WaitingChanges so_far;
    so_far.name = live.name();
    so_far.base_version = turn_.record_of(id).attempts.back().snapshot_version;
    so_far.reads = turn_.ports.executor.reads_so_far(live.name());
    if (so_far.reads.from != changes::ReadsFrom::observed) continue;
    const auto stale = stale_in(so_far);
    if (stale.empty() || is_for_drivers(id, stale)) continue;
    const changes::Stale& one = gravest(stale);
    const std::string detail =
        fmt::format("{}, which it had read, was changed by `{}` meanwhile", changes::place_of(one),
                    turn_.task(turn_.run().commits[so_far.base_version + one.by].task).id);
    live_.stop(live, Outcome::conflicted, detail);
  }
}

}  // namespace interlock::engine
