#include "schedule/state.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "schedule/priority.h"

namespace interlock::schedule {
namespace {

std::vector<TaskId> ranked(const Problem& problem, const Policy& policy,
                           std::vector<std::int64_t> priorities) {
  std::vector<TaskId> order(problem.jobs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = TaskId(i);
  if (policy.plan_order) return order;
  if (priorities.empty()) priorities = critical_path_priorities(problem);
  check(priorities.size() == order.size(), "every task has a priority");
  std::ranges::sort(order, [&](TaskId a, TaskId b) {
    const std::int64_t first = priorities[a.index()];
    const std::int64_t second = priorities[b.index()];
    return first != second ? first > second : a < b;
  });
  return order;
}

std::vector<Rank> inverse(const std::vector<TaskId>& by_rank) {
  std::vector<Rank> rank_of(by_rank.size());
  for (Rank rank = 0; rank < by_rank.size(); ++rank) rank_of[by_rank[rank].index()] = rank;
  return rank_of;
}

void check_demands(const Problem& problem) {
  check(problem.quotas.size() == problem.capacities.size(),
        "every resource has a capacity and rates");
  for (const Job& job : problem.jobs) {
    for (const Demand& demand : job.demands) {
      check(demand.amount > 0 && demand.amount <= problem.capacities[demand.resource.index()],
            "no task asks for more than there is of a resource");
    }
  }
}

}  // namespace

Scheduler::State::State(Problem given, Policy given_policy, std::vector<std::int64_t> priorities,
                        Time now)
    : problem(std::move(given)),
      policy(given_policy),
      successors(Adjacency::successors(problem.jobs.size(), problem.links)),
      predecessors(Adjacency::predecessors(problem.jobs.size(), problem.links)),
      by_rank(ranked(problem, policy, std::move(priorities))),
      clock(problem.jobs.size(), now),
      pool(problem, rank_of, by_rank, now) {
  check(policy.parallel > 0, "at least one task may run");
  check_demands(problem);
  rank_of = inverse(by_rank);
  begin(now);
}

void Scheduler::State::begin(Time now) {
  marks.assign(problem.jobs.size(), {});
  clock = WaitClock(problem.jobs.size(), now);
  pool = ResourcePool(problem, rank_of, by_rank, now);
  ready = {};
  backoffs = {};
  not_before.clear();
  exclusive_running.reset();
  revived.clear();
  unreachable.clear();
  at_gate.clear();
  free_lanes.clear();
  lanes = running = ended = failed = finished = reviews_approved = 0;
  review_reported = stopped = held = false;
  waiting = static_cast<std::uint32_t>(marks.size());
  recount(now);
}

bool Scheduler::State::is_barred(TaskId task) const {
  return (goes_last(task) ? first_unended : first_exclusive_unended) < task.index();
}

std::optional<TaskId> Scheduler::State::overtaken_by(TaskId task) const {
  if (!mark(task).revived || running == 0) return std::nullopt;
  std::vector<bool> seen(marks.size());
  std::vector<std::uint32_t> behind{task.index()};
  while (!behind.empty()) {
    const TaskId next(behind.back());
    behind.pop_back();
    if (mark(next).at == At::running) return next;
    for (const Neighbour successor : successors.of(next)) {
      if (!seen[successor.task]) behind.push_back(successor.task);
      seen[successor.task] = true;
    }
  }
  return std::nullopt;
}

bool Scheduler::State::failure_limit_reached() const {
  const FailurePolicy& limit = policy.on_failure;
  switch (limit.kind) {
    case FailurePolicy::Kind::go_on: return false;
    case FailurePolicy::Kind::stop: return failed > 0;
    case FailurePolicy::Kind::share:
      return failed > limit.share * static_cast<double>(marks.size());
  }
  return false;
}

bool Scheduler::State::review_due() const {
  return policy.gate_every && waiting > 0 && finished / *policy.gate_every > reviews_approved;
}

bool Scheduler::State::review_ahead() const {
  if (!policy.gate_every) return false;
  // Whatever is under way may finish; what was skipped or cancelled has ended and never will.
  const std::uint64_t under_way = marks.size() - waiting - ended;
  return finished + under_way >= std::uint64_t{*policy.gate_every} * (reviews_approved + 1);
}

std::optional<TaskId> Scheduler::State::last_held_up() const {
  if (running > 0) return std::nullopt;
  for (std::size_t i = marks.size(); i-- > 0;) {
    const bool is_with_people = problem.jobs[i].gate_after && !marks[i].approved;
    if (marks[i].at == At::released && !is_with_people) return TaskId(i);
  }
  return std::nullopt;
}

bool Scheduler::State::is_held() const {
  return stopped || held || review_due() || failure_limit_reached();
}

void Scheduler::State::advance(Time now) { clock.advance(now, is_held() || review_ahead()); }

void Scheduler::State::file_blocked(TaskId task, Time now) {
  mark(task).at = At::blocked;
  clock.enter(task, mark(task).needs_left > 0 ? Wait::needs : Wait::conflict, now);
}

void Scheduler::State::file(TaskId task, Time now) {
  Mark& it = mark(task);
  if (it.links_left > 0 || is_barred(task) || overtaken_by(task)) return file_blocked(task, now);
  if (!not_before.empty() && not_before[task.index()] > now) {
    it.at = At::backoff;
    backoffs.emplace(not_before[task.index()], task);
    return clock.enter(task, Wait::backoff, now);
  }
  // In plan order a person is asked when the task's turn has come, not before.
  if (job(task).gate_before && !it.approved && (!policy.plan_order || cursor == task.index())) {
    it.at = At::gate;
    at_gate.push_back(task);
    return clock.enter(task, Wait::gate, now);
  }
  it.at = At::ready;
  if (!policy.plan_order) ready.push(rank_of[task.index()]);
  clock.enter(task, Wait::slot, now);
}

void Scheduler::State::leave_queues(TaskId task) {
  if (mark(task).at == At::ready || mark(task).at == At::parked) pool.resolve(task);
}

void Scheduler::State::start(TaskId task, Time now) {
  leave_queues(task);
  pool.take(task, now);
  Mark& it = mark(task);
  it.at = At::running;
  if (std::exchange(it.revived, false)) std::erase(revived, task);
  if (free_lanes.empty()) {
    it.lane = lanes++;
  } else {
    std::ranges::pop_heap(free_lanes, std::greater<>());
    it.lane = free_lanes.back();
    free_lanes.pop_back();
  }
  ++running;
  --waiting;
  if (job(task).exclusive) exclusive_running = task;
  advance_cursor();
  clock.leave(task, now);
}

void Scheduler::State::bring_back(TaskId task, Time now) {
  Mark& it = mark(task);
  --ended;
  ++waiting;
  it.at = At::blocked;
  it.unreachable_reported = false;
  if (!std::exchange(it.revived, true)) revived.push_back(task);
  if (!not_before.empty()) not_before[task.index()] = now;
  clock.restart(task, now);
  recount(now);
}

void Scheduler::State::mark_unreachable(TaskId task, TaskId because) {
  std::vector<Unreachable> found{{task, because}};
  while (!found.empty()) {
    const Unreachable next = found.back();
    found.pop_back();
    Mark& it = mark(next.task);
    if (!waits(next.task) || it.unreachable) continue;
    it.unreachable = true;
    if (!it.unreachable_reported) unreachable.push_back(next);
    for (const Neighbour successor : successors.of(next.task)) {
      if (successor.needs) found.push_back({TaskId(successor.task), next.task});
    }
  }
}

void Scheduler::State::satisfy_successors(TaskId task, Time now) {
  const bool succeeded = satisfies(mark(task).end);
  for (const Neighbour neighbour : successors.of(task)) {
    if (!neighbour.needs) continue;
    const TaskId successor(neighbour.task);
    if (!succeeded) {
      mark_unreachable(successor, task);
      continue;
    }
    Mark& it = mark(successor);
    check(it.links_left > 0 && it.needs_left > 0, "a link is satisfied once");
    --it.needs_left;
  }
  if (has_passed(task)) pass(task, now);
}

void Scheduler::State::pass(TaskId task, Time now) {
  std::vector<TaskId> passing{task};
  while (!passing.empty()) {
    const TaskId next = passing.back();
    passing.pop_back();
    for (const Neighbour neighbour : successors.of(next)) {
      const TaskId successor(neighbour.task);
      Mark& it = mark(successor);
      check(it.before_left > 0, "a task passes once");
      --it.before_left;
      if (!neighbour.needs || satisfies(mark(next).end)) --it.links_left;
      if (it.at == At::blocked) file(successor, now);
      if (has_passed(successor)) passing.push_back(successor);
    }
  }
}

void Scheduler::State::advance_bars() {
  const auto has_ended = [&](std::uint32_t i) { return marks[i].at == At::ended; };
  while (first_unended < marks.size() && has_ended(first_unended)) ++first_unended;
  while (first_exclusive_unended < marks.size() &&
         (!problem.jobs[first_exclusive_unended].exclusive || has_ended(first_exclusive_unended))) {
    ++first_exclusive_unended;
  }
}

void Scheduler::State::move_bars(Time now) {
  const auto refile = [&](std::uint32_t i) {
    if (marks[i].at == At::blocked) file(TaskId(i), now);
  };
  const std::uint32_t before = first_exclusive_unended;
  advance_bars();
  for (std::uint32_t i = before; i < first_exclusive_unended; ++i) {
    if (!goes_last(TaskId(i))) refile(i);
  }
  if (first_unended < marks.size() && goes_last(TaskId(first_unended))) refile(first_unended);
}

void Scheduler::State::advance_cursor() {
  if (!policy.plan_order)
    return;  // Nobody asks for it, and many that run would be passed each time.
  const auto is_past = [&](std::uint32_t i) {
    return marks[i].at == At::running || marks[i].at == At::ended;
  };
  while (cursor < marks.size() && is_past(cursor)) ++cursor;
}

void Scheduler::State::count_links_into(TaskId task) {
  Mark& it = mark(task);
  for (const Neighbour neighbour : predecessors.of(task)) {
    const TaskId before(neighbour.task);
    const bool succeeded = mark(before).at == At::ended && satisfies(mark(before).end);
    if (!has_passed(before)) ++it.before_left;
    const bool is_missing = neighbour.needs && !succeeded;
    if (is_missing) ++it.needs_left;
    // A need may stand for a conflict too, with a task further before that was asked for again.
    if (is_missing || !has_passed(before)) ++it.links_left;
  }
}

void Scheduler::State::recount_links() {
  unreachable.clear();
  for (Mark& it : marks) it.links_left = it.needs_left = it.before_left = 0, it.unreachable = false;
  // In plan order, so that whether a predecessor has passed is known before it is asked.
  for (std::uint32_t i = 0; i < marks.size(); ++i) count_links_into(TaskId(i));
  for (const Link& link : problem.links) {
    const Mark& before = mark(link.before);
    if (link.needs && before.at == At::ended && !satisfies(before.end))
      mark_unreachable(link.after, link.before);
  }
  for (Mark& it : marks) it.unreachable_reported = it.unreachable_reported && it.unreachable;
}

void Scheduler::State::recount(Time now) {
  recount_links();
  first_unended = first_exclusive_unended = cursor = 0;
  advance_bars();
  advance_cursor();
  for (std::uint32_t i = 0; i < marks.size(); ++i) {
    const TaskId task(i);
    if (!waits(task)) continue;
    const bool stays_at_gate =
        marks[i].at == At::gate && marks[i].links_left == 0 && !is_barred(task);
    if (stays_at_gate) continue;
    leave_queues(task);
    file(task, now);
  }
}

}  // namespace interlock::schedule
