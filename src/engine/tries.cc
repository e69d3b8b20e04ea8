#include "engine/tries.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "engine/retry.h"
#include "engine/try_events.h"

namespace interlock::engine {

Tries::Tries(Turn& turn, LiveAttempts& live, ChangeCollector& collector, Committer& committer,
             TaskEndings& tasks)
    : turn_(turn), live_(live), collector_(collector), committer_(committer), tasks_(tasks) {
  for (std::size_t i = 0; i < turn.plan.tasks.size(); ++i) {
    // Found once: most plans have none, and this is asked in every turn.
    if (!turn.plan.tasks[i].tries.empty()) with_tries_.emplace_back(i);
  }
}

std::vector<TaskId> Tries::good_of(TaskId of) const {
  std::vector<TaskId> good = turn_.task(of).tries;
  // One that was good and was lost since counts no more.
  std::erase_if(good, [this](TaskId one) { return turn_.record_of(one).state != TaskState::done; });
  return good;
}

void Tries::settle() {
  for (const TaskId of : with_tries_) {
    // With a judge all of them are waited for.
    if (!is_picked(turn_.run(), of) && !turn_.task(of).judge) pick_first_good(of);
    if (!is_picked(turn_.run(), of) || may_be_judged_again(of)) continue;
    const std::string why = why_not_wanted(turn_.plan, turn_.run(), of);
    for (const TaskId one : turn_.task(of).tries) {
      if (turn_.record_of(of).picked != one) end(one, why);
    }
  }
}

/// A person may ask for its judge again: what was good is there for that.
bool Tries::may_be_judged_again(TaskId of) const {
  const auto& judge = turn_.task(of).judge;
  return judge && !turn_.record_of(of).picked && turn_.record_of(*judge).state == TaskState::failed;
}

/// Of several that were good in one turn, the first in plan order.
void Tries::pick_first_good(TaskId of) {
  const std::vector<TaskId> good = good_of(of);
  if (!good.empty()) turn_.record(TryPicked{of, good.front(), "it was the first that was good"});
}

void Tries::end(TaskId id, const std::string& why) {
  switch (turn_.record_of(id).state) {
    // It has not begun, so nothing has to be ended.
    case TaskState::waiting: turn_.record(bad_try(turn_.run(), id, why)); return;
    case TaskState::running:
      if (Attempt* const live = live_.find(id); live != nullptr && !live->stopped_for())
        live_.stop(*live, Outcome::cancelled, why);
      return;
    case TaskState::committing:
    case TaskState::reviewing:
      committer_.drop_changes(id);
      turn_.record(bad_try(turn_.run(), id, why));
      return;
    case TaskState::done:
      committer_.drop_changes(id);
      // It was good: that is not taken back, only what it changed.
      turn_.record(TryDropped{id, why});
      return;
    case TaskState::failed:
    case TaskState::skipped:
    case TaskState::cancelled: return;
  }
}

bool Tries::adopts(TaskId id) const {
  // None began where the task's result was to be reused: if that was not to be, it is done itself.
  const bool any_began = std::ranges::any_of(
      turn_.task(id).tries, [this](TaskId one) { return !turn_.record_of(one).attempts.empty(); });
  return any_began && turn_.record_of(id).attempts.empty();
}

Result<void> Tries::adopt(AttemptStarted event) {
  const TaskId of = event.task;
  // An attempt without a process: what it did is what the picked try did.
  event.because = AttemptStarted::Trigger::tries;
  const auto picked = pick(of);
  if (!picked) return std::unexpected(picked.error());
  if (!*picked) {
    fail_all(std::move(event));
    return {};
  }
  auto taken = take_picked(std::move(event));
  // The others end in the same turn, and their snapshots go.
  settle();
  return taken;
}

/// Whether one was good. All are over, and so is their judge.
Result<bool> Tries::pick(TaskId of) {
  const std::vector<TaskId> good = good_of(of);
  // Picked before, by the same rule or a dispatcher that died: the others were ended then. If its
  // changes were lost since and it was not good when it was done again, none is.
  if (const auto& before = turn_.record_of(of).picked)
    return std::ranges::find(good, *before) != good.end();
  if (good.empty()) return false;
  const auto& judge = turn_.task(of).judge;
  // A judge is not asked where there is nothing to choose.
  if (!judge || turn_.record_of(*judge).state != TaskState::done) {
    turn_.record(TryPicked{of, good.front(), "it was the only one that was good"});
    return true;
  }
  const auto answer = turn_.batch.blob(turn_.record_of(*judge).output.value_or(Digest{}));
  if (!answer) return std::unexpected(answer.error());
  const auto picked = picked_in(*answer);
  if (!picked) return std::unexpected(picked.error());
  const std::vector<TaskId>& tries = turn_.task(of).tries;
  const TaskId one = picked->number <= tries.size() ? tries[picked->number - 1] : good.front();
  // What was good then may have been lost since.
  const bool is_good = std::ranges::find(good, one) != good.end();
  turn_.record(TryPicked{of, is_good ? one : good.front(),
                         is_good ? picked->why : "what its judge picked was lost"});
  return true;
}

/// From the same parts as the try was made of, upon what the try saw.
Result<void> Tries::take_picked(AttemptStarted event) {
  const TaskId of = event.task;
  const TaskId picked = *turn_.record_of(of).picked;
  const TaskRecord& record = turn_.record_of(picked);
  const AttemptRecord& did = record.attempts.back();
  event.from = picked;
  event.isolation = did.isolation;
  // It is held against what was committed since the try began, as if it had been the task's own.
  event.snapshot_version = did.snapshot_version;
  event.key = record.key;
  event.cache_key_parts = record.cache_key_parts;
  AttemptEnded ended;
  ended.task = of;
  ended.attempt = event.attempt;
  ended.output = did.output;
  ended.changes = did.changes;
  ended.reads = did.reads;
  ended.writes = did.writes;
  ended.reads_from = did.reads_from;
  ended.usage = no_usage();  // The try's own attempts hold what it took.
  // What a result of it rests on is what the try rested on.
  collector_.notes_of(of) = collector_.notes_of(picked);
  turn_.record(std::move(event));
  turn_.record(std::move(ended));
  if (!turn_.task(of).gate_after) return tasks_.settle_work(of);
  turn_.record(GateReached{of, GateKind::after});
  return {};
}

/// The task itself has failed, and may be tried again: by itself, perhaps by another agent.
void Tries::fail_all(AttemptStarted event) {
  const TaskId of = event.task;
  const std::vector<TaskId>& tries = turn_.task(of).tries;
  Outcome outcome = Outcome::cancelled;
  std::vector<std::string> said;
  for (const TaskId one : tries) {
    const TaskRecord& record = turn_.record_of(one);
    const std::string& why = record.unneeded.empty() ? record.detail : record.unneeded;
    // The first line alone: each of them has a log of its own.
    said.push_back(fmt::format("`{}`: {}", turn_.task(one).id, why.substr(0, why.find('\n'))));
    if (record.attempts.empty()) continue;
    const Outcome its = record.attempts.back().outcome.value_or(outcome);
    if (its != Outcome::succeeded) outcome = its;  // Else it was good, and dropped or lost.
  }
  // Each try was corrected already.
  const bool is_corrected =
      outcome == Outcome::output_invalid || outcome == Outcome::outside_footprint;
  AttemptEnded ended;
  ended.task = of;
  ended.attempt = event.attempt;
  ended.outcome = is_corrected ? Outcome::verify_failed : outcome;
  ended.detail =
      fmt::format("none of its {} tries was good: {}", tries.size(), join_words(said, said.size()));
  ended.usage = no_usage();
  // Nothing of it is to be held against others' changes: that was done with each try.
  event.isolation = plan::Isolation::direct;
  const Outcome how = ended.outcome;
  const std::string detail = ended.detail;
  turn_.record(std::move(event));
  turn_.record(std::move(ended));
  const auto next = next_try(turn_.task(of), turn_.record_of(of), how, turn_.seed_of(of));
  if (!next) return tasks_.fail_for_good(of, how, detail);
  turn_.record(RetryPlanned{of, next->because, turn_.now() + next->after, next->charged, {}});
}

}  // namespace interlock::engine
