#include "engine/task_endings.h"

#include <fmt/format.h>

#include "engine/cache_key.h"
#include "engine/shortage.h"
#include "engine/try_events.h"

namespace interlock::engine {

Result<void> TaskEndings::settle_work(TaskId id) {
  if (turn_.task(id).try_of) {
    // Whether it counts is decided when all of its task's tries are over.
    turn_.record(good_try(turn_, id));
    return {};
  }
  if (!turn_.commits().waits(id)) return set_done(id);
  wait_for_turn(id);
  return {};
}

void TaskEndings::wait_for_turn(TaskId id) {
  // Also where nobody stands in its way: when it commits is one question, asked in one place.
  turn_.record(ChangesReady{id, turn_.record_of(id).attempts.back().number});
}

Result<void> TaskEndings::set_done(TaskId id, std::optional<Digest> known, Evidence evidence) {
  const plan::Task& one = turn_.task(id);
  const TaskRecord& before = turn_.record_of(id);
  const AttemptRecord& attempt = before.attempts.back();
  Result<Digest> wrote = known.value_or(Digest{});
  if (!known) {
    // Where that was hashed beside the turns, the attempt has waited for it.
    auto hashed = files_.take_written(id);
    wrote = hashed ? std::move(*hashed) : turn_.ports.workspace.fingerprint(one.footprint.writes);
  }
  // The work is good; taken up again it counts.
  if (!wrote && is_shortage(wrote.error())) return std::unexpected(wrote.error());
  // It is not done before what it wrote is known: done again it costs no retry.
  if (!wrote && is_interruption(wrote.error())) {
    turn_.await_signal();
    requeue(id);
    return {};
  }
  if (!wrote) {
    fail_for_good(id, Outcome::output_missing,
                  fmt::format("what it wrote cannot be read: {}", wrote.error().message));
    return {};
  }
  // Else nothing says what an equal result would be equal to.
  if (!one.footprint.unknown || evidence.trace || evidence.against) {
    StoredResult result{turn_.setup.run, before.key, before.cache_key_parts,
                        attempt.output,  *wrote,     evidence.trace};
    if (evidence.against) {
      // Equal parts of the cache key do not prove an equal result: it is kept only to say so.
      result.cache_key_parts.push_back(std::move(*evidence.against));
      result.key = key_of(result.cache_key_parts);
    }
    turn_.batch.keep(one.id, std::move(result));
  }
  turn_.record(TaskDone{id, attempt.number, attempt.output, *wrote, {}});
  return merges_.make_with(id);
}

Result<void> TaskEndings::set_reused(TaskId id, StoredResult result) {
  turn_.record(TaskDone{id, 0, result.output, result.wrote, result.run});
  // From now on this run keeps it too: the other one may be pruned.
  result.run = turn_.setup.run;
  turn_.batch.keep(turn_.task(id).id, std::move(result));
  return merges_.make_with(id);
}

Result<void> TaskEndings::skip_unneeded(TaskId id, std::string why) {
  turn_.record(TaskSkipped{id, std::nullopt, std::move(why)});
  return merges_.make_with(id);
}

void TaskEndings::fail_for_good(TaskId id, Outcome outcome, const std::string& detail) {
  // Of a try nothing has failed yet: another may be good.
  if (turn_.task(id).try_of) return turn_.record(bad_try(turn_.run(), id, detail));
  turn_.record(TaskFailed{id, outcome, detail});
  // After its event, which is what the scheduler counts by. Said once.
  if (!turn_.scheduler().failure_limit_reached() || !turn_.run().stopping.empty()) return;
  turn_.record(RunStopping{
      fmt::format("`{}` failed, and `limits.on_failure` says to stop", turn_.task(id).id),
      RunStopping::Cause::failures});
}

void TaskEndings::skip_unreachable() {
  // Told in plan order, so that each names the first that was in its way.
  for (const auto& [id, because] : turn_.scheduler().take_unreachable())
    turn_.record(TaskSkipped{id, because});
}

void TaskEndings::requeue(TaskId id) {
  turn_.record(RetryPlanned{id, AttemptStarted::Trigger::again, turn_.now(), false,
                            turn_.record_of(id).correction});
}

}  // namespace interlock::engine
