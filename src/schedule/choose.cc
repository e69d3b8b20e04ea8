// Which waiting task is looked at next, and why the others are not.
#include <algorithm>

#include "base/check.h"
#include "schedule/state.h"

namespace interlock::schedule {

using Why = WaitReason::Why;

void Scheduler::State::take_in_woken(Time now) {
  for (const TaskId task : pool.take_woken()) {
    // It may have ended since it was woken.
    if (mark(task).at != At::parked) continue;
    mark(task).at = At::ready;
    if (!policy.plan_order) ready.push(rank_of[task.index()]);
    clock.enter(task, Wait::slot, now);
  }
}

void Scheduler::State::wake_due(Time now) {
  while (!backoffs.empty() && backoffs.top().first <= now) {
    const TaskId task = backoffs.top().second;
    backoffs.pop();
    if (mark(task).at == At::backoff) file(task, now);
  }
  drop_stale_backoffs();
  pool.wake_due(now);
  take_in_woken(now);
}

void Scheduler::State::drop_stale_backoffs() {
  while (!backoffs.empty() && mark(backoffs.top().second).at != At::backoff) backoffs.pop();
}

std::optional<TaskId> Scheduler::State::next_candidate(Time now) {
  if (is_held() || running >= policy.parallel || exclusive_running) return std::nullopt;
  if (review_ahead()) return next_before_review();
  if (policy.plan_order) return next_in_plan_order(now);
  while (!ready.empty() && mark(by_rank[ready.top()]).at != At::ready) ready.pop();
  if (ready.empty()) return std::nullopt;
  const TaskId task = by_rank[ready.top()];
  // Only a turn back in the run lets others run beside it here; it waits for them, and the rest
  // waits for it.
  if (job(task).exclusive && running > 0) return std::nullopt;
  return task;  // It stays at the top until it is no longer ready, and is dropped then.
}

std::optional<TaskId> Scheduler::State::next_startable(Time now) {
  while (const std::optional<TaskId> task = next_candidate(now)) {
    const std::optional<WaitReason> obstacle = pool.obstacle(*task, now);
    if (!obstacle) return task;
    park(*task, *obstacle, now);
    take_in_woken(now);
  }
  return std::nullopt;
}

std::optional<TaskId> Scheduler::State::next_before_review() const {
  const std::optional<TaskId> last = last_held_up();
  if (!last) return std::nullopt;
  for (std::uint32_t i = 0; i < last->index(); ++i) {
    const bool asks = problem.jobs[i].gate_before && !marks[i].approved;
    if (marks[i].at == At::ready && !asks) return TaskId(i);
  }
  return std::nullopt;
}

std::optional<TaskId> Scheduler::State::next_in_plan_order(Time now) {
  if (cursor == marks.size() || marks[cursor].at != At::ready) return std::nullopt;
  const TaskId task(cursor);
  if (job(task).gate_before && !mark(task).approved) {
    file(task, now);
    return std::nullopt;
  }
  if (job(task).exclusive && running > 0) return std::nullopt;
  return task;
}

void Scheduler::State::park(TaskId task, const WaitReason& obstacle, Time now) {
  mark(task).at = At::parked;
  pool.park(task, obstacle);
  const bool is_quota =
      !problem.jobs[task.index()].costs.empty() &&
      (obstacle.why == Why::quota || problem.quotas[obstacle.resource->index()].limits());
  clock.enter(task, is_quota ? Wait::quota : Wait::slot, now);
}

TaskId Scheduler::State::unended_at(TaskId task) const {
  while (mark(task).at == At::ended) {
    const auto& behind = predecessors.of(task);
    const auto blocker =
        std::ranges::find_if(behind, [&](Neighbour it) { return !has_passed(TaskId(it.task)); });
    check(blocker != behind.end(), "an ended task that has not passed waits for another");
    task = TaskId(blocker->task);
  }
  return task;
}

WaitReason Scheduler::State::blocked_by(TaskId task) const {
  // A need says more than a conflict, and the first in plan order is the one to look at first.
  std::optional<TaskId> earlier;
  for (const Neighbour neighbour : predecessors.of(task)) {
    const TaskId before(neighbour.task);
    const Mark& it = mark(before);
    if (neighbour.needs && !(it.at == At::ended && satisfies(it.end)))
      return {.why = Why::needs, .task = before};
    if (!has_passed(before) && !earlier) earlier = unended_at(before);
  }
  if (earlier) return {.why = Why::conflict, .task = earlier};
  if (const auto overtaker = overtaken_by(task)) return {.why = Why::conflict, .task = overtaker};
  check(is_barred(task), "a blocked task waits for another");
  if (mark(task).in_turn && !job(task).exclusive)
    return {.why = Why::order, .task = TaskId(first_unended)};
  return {.why = Why::exclusive,
          .task = TaskId(job(task).exclusive ? first_unended : first_exclusive_unended)};
}

WaitReason Scheduler::reason_of(TaskId task, Time now) const {
  const State& s = *state_;
  check(s.waits(task), "only a waiting task has a reason to wait");
  switch (s.mark(task).at) {
    case State::At::blocked: return s.blocked_by(task);
    case State::At::backoff:
      return {.why = Why::backoff, .task = {}, .resource = {}, .until = s.not_before[task.index()]};
    case State::At::gate: return {.why = Why::gate, .task = task};
    default: break;
  }
  if (s.review_due()) return {.why = Why::gate};
  if (s.review_ahead() && !s.last_held_up()) return {.why = Why::gate};
  if (s.held && !s.stopped) return {.why = Why::held};
  if (s.is_held()) return {.why = Why::stopped};
  if (s.exclusive_running) return {.why = Why::exclusive, .task = s.exclusive_running};
  if (s.policy.plan_order && s.cursor < task.index())
    return {.why = Why::order, .task = TaskId(s.cursor)};
  if (const std::optional<WaitReason> obstacle = s.pool.obstacle(task, now)) return *obstacle;
  if (s.job(task).exclusive && s.running > 0) {
    for (std::uint32_t i = 0; i < s.marks.size(); ++i) {
      if (s.marks[i].at == State::At::running) return {.why = Why::exclusive, .task = TaskId(i)};
    }
  }
  return {.why = Why::slot};
}

}  // namespace interlock::schedule
