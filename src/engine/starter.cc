#include "engine/starter.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/shortage.h"
#include "engine/try_events.h"

namespace interlock::engine {

namespace {
constexpr std::size_t kAheadMax = 256;
}  // namespace

Starter::Starter(Turn& turn, LiveAttempts& live, TaskEndings& tasks, ConditionSettler& conditions,
                 ChangeCollector& collector, Committer& committer)
    : turn_(turn),
      live_(live),
      tasks_(tasks),
      conditions_(conditions),
      tries_(turn, live, collector, committer, tasks),
      files_(tasks.files()),
      reuse_(turn, tasks) {
  for (std::size_t i = 0; i < turn.setup.batches.size(); ++i) {
    for (const TaskId id : turn.setup.batches[i]) batch_of_.emplace(id, i);
  }
}

Result<void> Starter::start_what_may() {
  // What runs now ends without others beside it: then there is a moment for a checkpoint.
  if (turn_.run().commits.size() - turn_.run().checkpointed >= kUncheckpointedMax) {
    files_.forget();
    return {};
  }
  // One by one: a task whose result is taken from an earlier run ends at once and may let others
  // start, and one that starts may take others with it.
  while (!turn_.signal_waits && !files_.holds_starts()) {
    // What was over may have been committed, or taken from an earlier run, in this very turn.
    if (auto settled = conditions_.settle(); !settled) return settled;
    const auto next = turn_.scheduler().next_start(turn_.now());
    if (!next) {
      files_.forget();  // Whatever was about to start is not now.
      break;
    }
    const std::size_t attempts = turn_.record_of(*next).attempts.size();
    if (auto started = start(*next); !started) return started;
    if (files_.is_asking()) {
      look_ahead(*next);
      break;
    }
    const bool has_begun = turn_.record_of(*next).attempts.size() > attempts;
    ahead_ = has_begun ? 1 : std::min(2 * ahead_, kAheadMax);
    // It may write what was hashed for others.
    if (has_begun) files_.forget();
    tasks_.skip_unreachable();
  }
  // A person is told once, by whichever dispatcher came to it first.
  for (const TaskId id : turn_.scheduler().take_gates()) {
    if (!turn_.record_of(id).gate_before_reached) turn_.record(GateReached{id, GateKind::before});
  }
  if (turn_.scheduler().take_review_due() && !turn_.run().review_open)
    turn_.record(GateReached{std::nullopt, GateKind::review});
  return {};
}

/// Asks for what is likely to be asked next as well, so that a run in which nothing is to be done
/// is over in few turns: of one task, and of twice as many each time that nothing began. Only while
/// nothing runs, as what runs may write what those wait for.
void Starter::look_ahead(TaskId from) {
  std::size_t left = live_.empty() ? ahead_ : 1;
  for (std::uint32_t i = from.index(); i < turn_.plan.tasks.size() && left > 0; ++i) {
    const plan::Task& one = turn_.task(TaskId(i));
    if (turn_.record_of(TaskId(i)).state != TaskState::waiting) continue;
    --left;
    const auto kept = turn_.ports.journal.latest_result(one.id);
    if (!turn_.setup.reuse || one.footprint.unknown || !kept || !*kept) continue;
    // Of what they say now nothing is known yet.
    if (!one.footprint.reads.empty()) static_cast<void>(files_.fingerprints(one.footprint.reads));
    if (!one.footprint.writes.empty()) static_cast<void>(files_.fingerprint(one.footprint.writes));
  }
}

Result<void> Starter::start(TaskId id) {
  // Asked as soon as it could be; here once more, whatever happened since.
  const auto skipped = conditions_.skip_if_unneeded(id);
  if (!skipped) return std::unexpected(skipped.error());
  if (*skipped) return {};
  // Before its own key is looked at: a try has no result of its own to reuse.
  const auto needless = is_needless(id);
  if (!needless) return std::unexpected(needless.error());
  if (*needless || files_.is_asking()) return {};
  auto cache_key_parts = cache_key_parts_of(turn_.plan, id, turn_.run(), files_);
  if (files_.is_asking()) return {};
  if (!cache_key_parts && is_interruption(cache_key_parts.error())) {
    turn_.await_signal();
    return {};
  }
  // An attempt on what cannot be read would only fail later, and for another reason.
  if (!cache_key_parts) {
    const std::string why =
        fmt::format("what it depends on cannot be read: {}", cache_key_parts.error().message);
    tasks_.fail_for_good(id, Outcome::not_started, why);
    return {};
  }
  const Digest key = key_of(*cache_key_parts);
  std::string difference;
  const auto taken = reuse_.take(id, *cache_key_parts, key, difference);
  if (!taken) return std::unexpected(taken.error());
  if (*taken || files_.is_asking()) return {};
  // Before anything is recorded, as its mates begin with it or not at all.
  const auto asks = asks_for_mates_of(id);
  if (!asks) return std::unexpected(asks.error());
  if (*asks) return {};

  AttemptStarted event = started_event(id, std::move(*cache_key_parts), key, difference,
                                       turn_.scheduler().next_lane());
  // Nothing is spawned for it: all its tries are over.
  if (tries_.adopts(id)) return tries_.adopt(std::move(event));
  // Its event before those of its mates: they name it, and share its slot.
  Attempt live({id, event.attempt, 0}, turn_.now());
  const bool is_first = event.attempt == 1;
  turn_.record(std::move(event));
  // A person's word is for one of them alone.
  if (is_first && batch_of_.contains(id) && turn_.record_of(id).messages.empty()) {
    if (auto shared = share_attempt(live, mates_of(id)); !shared) return shared;
  }
  // From here on it lives, though its process is spawned only when all this is durable.
  live_.add_and_spawn(std::move(live));
  return {};
}

/// A try of a task whose own result is there already: it is over by that.
Result<bool> Starter::is_needless(TaskId id) {
  const auto& of = turn_.task(id).try_of;
  if (!of) return false;
  const auto parts = cache_key_parts_of(turn_.plan, *of, turn_.run(), files_);
  if (!parts) return false;  // It says why itself.
  std::string difference;
  const auto kept = reuse_.find(*of, *parts, key_of(*parts), difference);
  if (!kept) return std::unexpected(kept.error());
  if (turn_.signal_waits) return true;
  if (!*kept) return false;
  turn_.record(
      bad_try(turn_.run(), id,
              fmt::format("the result of `{}` is kept from {}", turn_.task(*of).id, (*kept)->run)));
  return true;
}

AttemptStarted Starter::started_event(TaskId id, std::vector<CacheKeyPart> cache_key_parts,
                                      const Digest& key, const std::string& difference,
                                      std::uint32_t lane) const {
  const TaskRecord& before = turn_.record_of(id);
  // Before the event, which ends the waiting.
  const schedule::Waited waited = turn_.scheduler().waited(id, turn_.now());
  AttemptStarted event{
      id,
      static_cast<std::uint32_t>(before.attempts.size() + 1),
      before.next,
      lane,
      key,
      std::move(cache_key_parts),
      {},
      {waited.needs, waited.conflict, waited.quota, waited.slot, waited.gate, waited.backoff},
      turn_.task(id).isolation,
      static_cast<std::uint32_t>(turn_.run().commits.size()),
      !turn_.setup.speculative.empty() && turn_.setup.speculative[id.index()]};
  if (const auto kept = turn_.ports.journal.latest_result(turn_.task(id).id); kept && *kept) {
    event.changed = first_difference((*kept)->cache_key_parts, event.cache_key_parts);
    // Its parts of the key are equal: then what it read or left beyond them differs.
    if (event.changed.empty()) event.changed = difference;
    // All equal and not reused: another has written what it wrote, or the result was not asked for.
    if (event.changed.empty() && turn_.setup.reuse && event.attempt == 1)
      event.changed = "what it wrote changed";
    if (!event.changed.empty()) event.changed += fmt::format(" since {}", (*kept)->run);
  }
  return event;
}

/// Of the batch of `first`, the others that never began.
std::vector<TaskId> Starter::new_in_batch_of(TaskId first) const {
  std::vector<TaskId> others;
  for (const TaskId id : turn_.setup.batches[batch_of_.at(first)]) {
    const bool is_new =
        turn_.record_of(id).attempts.empty() && turn_.record_of(id).state == TaskState::waiting;
    if (id != first && is_new && turn_.record_of(id).messages.empty()) others.push_back(id);
  }
  return others;
}

/// Whether files are being hashed for any that may begin with it. Which of them may, the scheduler
/// says only when it runs; so it is asked for all of them.
Result<bool> Starter::asks_for_mates_of(TaskId first) {
  const bool may_have_mates = batch_of_.contains(first) &&
                              turn_.record_of(first).attempts.empty() &&
                              turn_.record_of(first).messages.empty();
  if (!files_.is_beside() || !may_have_mates) return false;
  for (const TaskId id : new_in_batch_of(first)) {
    const auto parts = cache_key_parts_of(turn_.plan, id, turn_.run(), files_);
    if (!parts) continue;  // It is being hashed, or cannot be, and says so itself.
    std::string difference;
    const auto kept = reuse_.find(id, *parts, key_of(*parts), difference);
    if (!kept) return std::unexpected(kept.error());
  }
  return files_.is_asking();
}

/// Those that may share the attempt of `first`, which starts: their first attempts, too.
std::vector<TaskId> Starter::mates_of(TaskId first) const {
  std::vector<TaskId> mates = new_in_batch_of(first);
  std::erase_if(mates, [&](TaskId id) {
    return !turn_.scheduler().waits(id) || !turn_.scheduler().may_share(id, first);
  });
  return mates;
}

/// They begin with `live`, but for those whose results are kept from an earlier run.
Result<void> Starter::share_attempt(Attempt& live, std::vector<TaskId> mates) {
  for (const TaskId id : mates) {
    // Asked one by one: each that joins draws on what the next one needs.
    if (turn_.signal_waits || !turn_.scheduler().may_share(id, live.task())) continue;
    auto cache_key_parts = cache_key_parts_of(turn_.plan, id, turn_.run(), files_);
    if (!cache_key_parts && is_interruption(cache_key_parts.error())) {
      turn_.await_signal();
      continue;
    }
    if (!cache_key_parts) continue;  // It says why when it is started by itself.
    const Digest key = key_of(*cache_key_parts);
    std::string difference;
    const auto taken = reuse_.take(id, *cache_key_parts, key, difference);
    if (!taken) return std::unexpected(taken.error());
    if (*taken) continue;
    AttemptStarted event = started_event(id, std::move(*cache_key_parts), key, difference,
                                         turn_.scheduler().lane_of(live.task()));
    event.with = live.task();
    turn_.record(std::move(event));
    live.share.others.push_back(id);
  }
  if (!live.share.others.empty())
    turn_.record(AttemptsBatched{live.task(), live.name().attempt, live.share.others});
  return {};
}

}  // namespace interlock::engine
