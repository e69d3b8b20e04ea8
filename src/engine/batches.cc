#include <fmt/format.h>

#include <algorithm>

#include "engine/attempt_endings.h"
#include "engine/attempt_usage.h"
#include "engine/batch.h"
#include "engine/retry.h"

// Several tasks in one attempt. While it works it is that of the first; when it is over each task
// has its part of the answer and of what was used, and is judged by itself. What fails in company
// costs no retry, and is done again alone.
namespace interlock::engine {

Result<void> AttemptEndings::on_batch_over(Attempt live, Judgement judgement) {
  std::string answer = std::move(live.work.printed);
  // A client's answer is in its stream; a plain command's is what it printed.
  if (live.agent.adapter) answer = agents_.take_answer(live, true);
  if (judgement.outcome == Outcome::succeeded && live.work.exited.output_cut)
    judgement = {Outcome::output_too_large, "more output than is kept", {}};
  if (judgement.outcome != Outcome::succeeded) return break_up(std::move(live), judgement, {});

  auto answers = take_batch_apart(live_.tasks_of(live), answer);
  if (answers) return break_up(std::move(live), judgement, std::move(*answers));
  judgement = {Outcome::output_invalid, answers.error().message, {}};
  return break_up(std::move(live), judgement, {});
}

/// From here on each task is by itself. Checks run one after the other, in the slot of the first.
Result<void> AttemptEndings::break_up(Attempt whole, const Judgement& judgement,
                                      std::vector<std::optional<std::string>> answers) {
  const TaskId first = whole.task();
  std::vector<TaskId> all{first};
  all.insert(all.end(), whole.share.others.begin(), whole.share.others.end());
  AttemptEnded used;
  used.task = first;
  // Once for all of them: nobody knows which task took what.
  note_usage(turn_.plan, turn_.run(), whole, used);
  const std::vector<Usage> usages = even_parts(used.usage, all.size());
  const std::vector<Duration> times =
      even_parts(whole.work.over.value_or(turn_.now()) - whole.started(), all.size());
  std::vector<std::pair<TaskId, Judgement>> over;
  // None of them writes, but each is believed only while what was read still holds.
  if (whole.work.harvest) snapshots_.keep_for_batch(whole.name());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const TaskId id = all[i];
    Attempt part({id, turn_.record_of(id).attempts.back().number, 0}, turn_.now());
    part.share.batch = first;
    part.share.worked = times[i];
    part.share.used = usages[i];
    part.share.used_from = used.usage_from;
    part.work.harvest = whole.work.harvest;
    part.work.read_repository = whole.work.read_repository;
    part.work.exited.exit_code = whole.work.exited.exit_code;
    part.work.exited.signal = whole.work.exited.signal;
    // What was said of the attempt as a whole is said once.
    if (i == 0) {
      part.work.exited.strays = whole.work.exited.strays;
      part.work.exited.unproven = whole.work.exited.unproven;
      part.work.remarks = std::move(whole.work.remarks);
      part.work.remarks.insert(part.work.remarks.end(), used.remarks.begin(), used.remarks.end());
    }
    Judgement own = judgement;
    if (own.outcome == Outcome::succeeded) {
      part.work.has_output = answers[i].has_value();
      if (part.work.has_output) part.work.output = std::move(*answers[i]);
      own =
          part.work.has_output
              ? judge_output(turn_.task(id), part.work.output, false, false, turn_.ports.validator)
              : Judgement{Outcome::output_missing, "it is missing in the answer of its batch", {}};
      if (own.instead) part.work.output = std::move(*own.instead);
    }
    // It worked for the others' sake; its own part is not looked at.
    if (whole.share.cancelled.contains(id)) own = {Outcome::cancelled, {}, {}};
    if (own.outcome == Outcome::succeeded && !turn_.task(id).verify.empty()) {
      part.queue_check();
    } else {
      over.emplace_back(id, own);
    }
    live_.add(std::move(part));
  }
  // Only when all of them live: the end of one looks for the next check among them.
  for (auto& [id, own] : over) {
    Attempt& part = *live_.find(id);
    if (id == first) {
      part.judge(std::move(own));  // The slot is its own, and so it is the last.
    } else if (auto done = conclude(std::move(part), own); !done) {
      return done;
    }
  }
  return check_next_part(first);
}

/// Begins the next check of that batch, the one of the first at the end.
Result<void> AttemptEndings::check_next_part(TaskId first) {
  using State = Attempt::State;
  Attempt* next = nullptr;
  for (auto& [id, live] : live_) {
    if (live.share.batch != first) continue;
    // One check at a time: they have one slot, and perhaps one snapshot.
    if (live.state() == State::running) return {};
    if (next == nullptr && id != first && live.state() == State::queued) next = &live;
  }
  Attempt* const last = live_.find(first);
  if (next == nullptr && last != nullptr && last->share.batch == first) {
    if (last->state() != State::queued) {
      const Judgement judged = last->judgement();
      return conclude(std::move(*last), judged);
    }
    next = last;
  }
  // All parts are over, and their slot is free.
  if (next == nullptr) return {};
  next->begin_check(turn_.now());
  live_.spawn(next->name());
  return {};
}

/// It is done again alone, which costs none of its retries: what failed may not have been its own.
void AttemptEndings::after_failed_part(TaskId id, const Judgement& judgement) {
  using Trigger = AttemptStarted::Trigger;
  // The calls were those of the task whose attempt it was.
  const AttemptRecord& own = turn_.record_of(id).attempts.back();
  const AttemptRecord& asked =
      own.batched_with ? turn_.record_of(*own.batched_with).attempts.back() : own;
  if (ended_from_outside(id, judgement, asked.parked)) return;
  const auto next =
      next_try(turn_.task(id), turn_.record_of(id), judgement.outcome, turn_.seed_of(id));
  const Duration after = next ? next->after : Duration{};
  turn_.record(RetryPlanned{id, Trigger::again, turn_.now() + after, false, {}});
}

bool AttemptEndings::cancel_part(TaskId id) {
  if (turn_.record_of(id).state != TaskState::running) return false;
  const TaskId first = turn_.record_of(id).attempts.back().batched_with.value_or(id);
  Attempt* const live = live_.find(first);
  if (live == nullptr || live->share.others.empty()) return false;
  live->share.cancelled.insert(id);
  if (live->share.cancelled.size() > live->share.others.size())
    live_.stop(*live, Outcome::cancelled);
  return true;
}

}  // namespace interlock::engine
