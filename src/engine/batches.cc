#include "engine/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "engine/cache_key.h"
#include "engine/engine.h"
#include "engine/retry.h"
#include "engine/shortage.h"

// Several tasks in one attempt. While it works it is that of the first; when it is over each task
// has its part of the answer and of what was used, and is judged by itself. What fails in company
// costs no retry, and is done again alone.
namespace interlock::engine {

/// Those that may share the attempt of `first`, which starts: their first attempts, too.
std::vector<TaskId> Engine::mates_of(TaskId first) {
  std::vector<TaskId> mates;
  for (const TaskId id : setup_.batches[batch_of_.at(first)]) {
    const bool is_new = record(id).attempts.empty() && record(id).state == TaskState::waiting;
    if (id != first && is_new && scheduler().waits(id) && scheduler().may_share(id, first))
      mates.push_back(id);
  }
  return mates;
}

/// They begin with `live`, but for those whose results are kept from an earlier run.
void Engine::share_attempt(Attempt& live, std::vector<TaskId> mates) {
  for (const TaskId id : mates) {
    if (signal_waits_ || !scheduler().may_share(id, live.task())) continue;
    auto cache_key_parts = cache_key_parts_of(plan_, id, run(), ports_.workspace);
    if (!cache_key_parts && is_interruption(cache_key_parts.error())) {
      await_signal();
      continue;
    }
    if (!cache_key_parts) continue;  // It says why when it is started by itself.
    const Digest key = key_of(*cache_key_parts);
    std::string difference;
    if (reuse(id, *cache_key_parts, key, difference)) continue;
    AttemptStarted event = started_event(id, std::move(*cache_key_parts), key, difference,
                                         scheduler().lane_of(live.task()));
    event.with = live.task();
    batch_.record(std::move(event));
    live.share.others.push_back(id);
  }
  if (live.share.others.empty()) return;
  batch_.record(AttemptsBatched{live.task(), live.name().attempt, live.share.others});
}

std::vector<const plan::Task*> Engine::tasks_of(const Attempt& live) const {
  std::vector<const plan::Task*> tasks{&task(live.task())};
  for (const TaskId id : live.share.others) tasks.push_back(&task(id));
  return tasks;
}

footprint::Footprint Engine::footprint_of(const Attempt& live) const {
  return batch_footprint(tasks_of(live));
}

/// Nobody's reads are held against them any more.
void Engine::close_snapshots_of_batches() {
  std::erase_if(batch_snapshots_, [&](AttemptName name) {
    const bool is_used =
        std::ranges::any_of(commits().waiting(),
                            [&](const auto& one) { return one.second.batch == name; }) ||
        std::ranges::any_of(live_,
                            [&](const auto& one) { return one.second.share.batch == name.task; });
    if (!is_used) close_snapshot(name);
    return !is_used;
  });
}

void Engine::on_batch_over(Attempt live, const Exited& exited) {
  const plan::Task& first = task(live.task());
  live.work.exited = exited;
  close_route(live);
  Judgement judgement = judge_exit(first, exited, live.stopped_for());
  if (judgement.outcome == Outcome::timed_out)
    judgement.detail = fmt::format("timed out after {}", show_duration(timeout_of(live)));
  if (live.stopped_for() == Outcome::conflicted) judgement.detail = live.stop_detail();
  if (live.agent.reader) judgement = judge_agent(live, exited, std::move(judgement));
  judgement = take_changes(live, std::move(judgement));
  std::string answer = ports_.processes.take_output(exited.name);
  if (live.agent.adapter) answer = take_answer(live, true);
  if (judgement.outcome == Outcome::succeeded && exited.output_cut)
    judgement = {Outcome::output_too_large, "more output than is kept", {}};
  if (judgement.outcome != Outcome::succeeded) return break_up(std::move(live), judgement, {});

  auto answers = take_batch_apart(tasks_of(live), answer);
  if (answers) return break_up(std::move(live), judgement, std::move(*answers));
  judgement = {Outcome::output_invalid, answers.error().message, {}};
  break_up(std::move(live), judgement, {});
}

/// From here on each task is by itself. Checks run one after the other, in the slot of the first.
void Engine::break_up(Attempt whole, const Judgement& judgement,
                      std::vector<std::optional<std::string>> answers) {
  const TaskId first = whole.task();
  std::vector<TaskId> all{first};
  all.insert(all.end(), whole.share.others.begin(), whole.share.others.end());
  AttemptEnded used;
  used.task = first;
  note_usage(whole, used);
  const std::vector<Usage> usages = even_parts(used.usage, all.size());
  const std::vector<Duration> times = even_parts(now() - whole.started(), all.size());
  std::vector<std::pair<TaskId, Judgement>> over;
  if (whole.work.harvest) batch_snapshots_.insert(whole.name());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const TaskId id = all[i];
    Attempt part({id, record(id).attempts.back().number, 0}, now());
    part.share.batch = first;
    part.share.worked = times[i];
    part.share.used = usages[i];
    part.share.used_from = used.usage_from;
    part.work.harvest = whole.work.harvest;
    part.work.read_repository = whole.work.read_repository;
    part.work.exited.exit_code = whole.work.exited.exit_code;
    part.work.exited.signal = whole.work.exited.signal;
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
              ? judge_output(task(id), part.work.output, false, false, ports_.validator)
              : Judgement{Outcome::output_missing, "it is missing in the answer of its batch", {}};
      if (own.instead) part.work.output = std::move(*own.instead);
    }
    if (whole.share.cancelled.contains(id)) own = {Outcome::cancelled, {}, {}};
    if (own.outcome == Outcome::succeeded && !task(id).verify.empty()) {
      part.queue_check();
    } else {
      over.emplace_back(id, own);
    }
    live_.insert_or_assign(id, std::move(part));
  }
  for (auto& [id, own] : over) {
    if (id == first) {
      live_.at(id).judge(std::move(own));  // The slot is its own, and so it is the last.
    } else {
      conclude(std::move(live_.at(id)), own);
    }
  }
  check_next_part(first);
}

/// Begins the next check of that batch, the one of the first at the end.
void Engine::check_next_part(TaskId first) {
  for (const auto& [id, live] : live_) {
    if (live.share.batch == first && live.state() == Attempt::State::running) return;
  }
  const auto begin = [&](Attempt& live) {
    live.begin_check(now());
    acts_.push_back({Act::Kind::spawn, live.name(), {}});
  };
  for (auto& [id, live] : live_) {
    if (live.share.batch == first && id != first && live.state() == Attempt::State::queued)
      return begin(live);
  }
  const auto last = live_.find(first);
  if (last == live_.end() || last->second.share.batch != first) return;
  if (last->second.state() == Attempt::State::queued) return begin(last->second);
  const Judgement judged = last->second.judgement();
  conclude(std::move(last->second), judged);
}

/// It is done again alone, which costs none of its retries: what failed may not have been its own.
void Engine::after_failed_part(TaskId id, const Judgement& judgement) {
  using Trigger = AttemptStarted::Trigger;
  if (judgement.outcome == Outcome::cancelled && is_letting_go()) return requeue(id);
  if (judgement.outcome == Outcome::cancelled)
    return batch_.record(TaskCancelled{id, judgement.detail});
  // The calls were those of the task whose attempt it was.
  const AttemptRecord& own = record(id).attempts.back();
  const AttemptRecord& asked = own.batched_with ? record(*own.batched_with).attempts.back() : own;
  if (judgement.outcome == Outcome::quota_spent ||
      (judgement.outcome == Outcome::over_budget && asked.parked)) {
    reach_limit(judgement.detail);
    return requeue(id);
  }
  const auto next = next_try(task(id), record(id), judgement.outcome, seed_of(id));
  const Duration after = next ? next->after : Duration{};
  batch_.record(RetryPlanned{id, Trigger::again, now() + after, false, {}});
}

/// A person does not want its part any more. The attempt goes on as long as somebody's is wanted.
bool Engine::cancel_part(TaskId id) {
  if (record(id).state != TaskState::running) return false;
  const TaskId first = record(id).attempts.back().batched_with.value_or(id);
  const auto live = live_.find(first);
  if (live == live_.end() || live->second.share.others.empty()) return false;
  live->second.share.cancelled.insert(id);
  if (live->second.share.cancelled.size() > live->second.share.others.size())
    stop(live->second, Outcome::cancelled);
  return true;
}

}  // namespace interlock::engine
