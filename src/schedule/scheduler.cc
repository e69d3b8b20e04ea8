#include "schedule/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "schedule/state.h"

namespace interlock::schedule {

Scheduler::Scheduler(Problem problem, Policy policy, std::vector<std::int64_t> priorities, Time now)
    : state_(std::make_unique<State>(std::move(problem), policy, std::move(priorities), now)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

void Scheduler::restart(Time now) { state_->begin(now); }

void Scheduler::release(TaskId task, std::span<const Cost> actual, Time now) {
  State& s = *state_;
  State::Mark& it = s.mark(task);
  check(it.at == State::At::running, "only a running task is released");
  s.advance(now);
  it.at = State::At::released;
  if (!std::exchange(it.shares, false)) {
    --s.running;
    s.free_lanes.push_back(it.lane);
    std::ranges::push_heap(s.free_lanes, std::greater<>());
    s.pool.give_back(task, actual, now);
  }
  if (s.exclusive_running == task) s.exclusive_running.reset();
  s.cursor = std::min(s.cursor, task.index());
  for (const TaskId waiting : s.revived) {
    if (s.mark(waiting).at == State::At::blocked) s.file(waiting, now);
  }
}

void Scheduler::end(TaskId task, End end, Time now) {
  State& s = *state_;
  State::Mark& it = s.mark(task);
  check(it.at != State::At::running && it.at != State::At::ended,
        "a task ends once, and not while it runs");
  s.advance(now);
  if (s.waits(task)) {
    s.leave_queues(task);
    s.clock.leave(task, now);
    --s.waiting;
  }
  it.at = State::At::ended;
  it.end = end;
  ++s.ended;
  if (end == End::failed) ++s.failed;
  if (end == End::succeeded || end == End::failed) ++s.finished;
  s.drop_stale_backoffs();
  s.advance_cursor();
  s.satisfy_successors(task, now);
  s.move_bars(now);
}

void Scheduler::requeue(TaskId task, Time not_before, Time now, bool in_turn) {
  State& s = *state_;
  check(s.mark(task).at == State::At::released, "only a released task is tried again");
  s.advance(now);
  if (s.not_before.empty()) s.not_before.resize(s.marks.size());
  s.not_before[task.index()] = not_before;
  s.mark(task).in_turn = in_turn;
  ++s.waiting;
  s.clock.restart(task, now);
  s.file(task, now);
}

void Scheduler::approve(TaskId task, Time now) {
  State& s = *state_;
  // A released one is approved when people have taken its work: from then on it waits for its turn.
  const bool is_released = s.mark(task).at == State::At::released;
  check(s.waits(task) || is_released, "only a waiting or a released task is approved");
  s.advance(now);
  s.mark(task).approved = true;
  if (s.mark(task).at == State::At::gate) s.file(task, now);
}

void Scheduler::approve_review(Time now) {
  State& s = *state_;
  s.advance(now);
  ++s.reviews_approved;
  s.review_reported = false;
}

void Scheduler::raise_floor(ResourceId quota, Time until) {
  state_->pool.raise_floor(quota, until);
}

void Scheduler::stop(bool stopped) { state_->stopped = stopped; }

void Scheduler::hold(bool held) { state_->held = held; }

void Scheduler::set_parallel(std::uint32_t parallel) {
  check(parallel > 0, "at least one task may run");
  state_->policy.parallel = parallel;
}

void Scheduler::announce(std::vector<Job> jobs, std::span<const Link> links) {
  State& s = *state_;
  s.announced.insert(s.announced.end(), std::make_move_iterator(jobs.begin()),
                     std::make_move_iterator(jobs.end()));
  s.announced_links.insert(s.announced_links.end(), links.begin(), links.end());
}

void Scheduler::add(std::uint32_t count, Time now) {
  State& s = *state_;
  check(count <= s.announced.size(), "what is added was announced");
  std::vector<Job> jobs(std::make_move_iterator(s.announced.begin()),
                        std::make_move_iterator(s.announced.begin() + count));
  s.announced.erase(s.announced.begin(), s.announced.begin() + count);
  std::vector<Link> links;
  const std::size_t end = s.marks.size() + count;
  while (!s.announced_links.empty() && s.announced_links.front().after.index() < end) {
    links.push_back(s.announced_links.front());
    s.announced_links.pop_front();
  }
  s.add(std::move(jobs), links, now);
}

void Scheduler::revive(TaskId task, Time now) {
  State& s = *state_;
  State::Mark& it = s.mark(task);
  check(it.at == State::At::ended && it.end != End::succeeded,
        "only a task that ended without success is revived");
  s.advance(now);
  if (it.end == End::failed) --s.failed;
  s.bring_back(task, now);
}

void Scheduler::undo(TaskId task, Time now) {
  State& s = *state_;
  const State::Mark& it = s.mark(task);
  if (it.at == State::At::released) return requeue(task, now, now, it.in_turn);
  check(it.at == State::At::ended, "only what is over is undone");
  if (it.end != End::succeeded) return revive(task, now);
  s.advance(now);
  --s.finished;
  s.bring_back(task, now);
}

void Scheduler::start(TaskId task, Time now) {
  State& s = *state_;
  check(s.waits(task), "only a waiting task starts");
  s.advance(now);
  s.start(task, now);
  s.drop_stale_backoffs();
}

bool Scheduler::may_share(TaskId task, TaskId with) const {
  const State& s = *state_;
  check(is_running(with), "only a running attempt is shared");
  const State::Mark& it = s.mark(task);
  if (it.in_turn || (s.job(task).gate_before && !it.approved)) return false;
  if (it.at == State::At::ready || it.at == State::At::parked) return !s.job(task).exclusive;
  // One that runs alone may share with one that does, where nothing stands between them.
  if (it.at != State::At::blocked || it.links_left > 0 || s.exclusive_running != with ||
      task < with)
    return false;
  if (!s.job(task).exclusive) return false;
  for (std::uint32_t i = with.index() + 1; i < task.index(); ++i) {
    const State::Mark& between = s.marks[i];
    const bool shares = between.at == State::At::running && between.shares;
    if (!shares && between.at != State::At::ended) return false;
  }
  return true;
}

void Scheduler::share(TaskId task, TaskId with, Time now) {
  State& s = *state_;
  check(s.waits(task) && is_running(with), "a waiting task shares a running attempt");
  s.advance(now);
  s.leave_queues(task);
  State::Mark& it = s.mark(task);
  it.at = State::At::running;
  it.shares = true;
  it.lane = s.mark(with).lane;
  if (std::exchange(it.revived, false)) std::erase(s.revived, task);
  --s.waiting;
  s.advance_cursor();
  s.clock.leave(task, now);
  s.drop_stale_backoffs();
}

std::optional<TaskId> Scheduler::next_start(Time now) const {
  state_->advance(now);
  state_->wake_due(now);
  return state_->next_startable(now);
}

std::vector<TaskId> Scheduler::choose_starts(Time now) {
  State& s = *state_;
  s.advance(now);
  s.wake_due(now);
  std::vector<TaskId> started;
  while (const std::optional<TaskId> task = s.next_startable(now)) {
    s.start(*task, now);
    s.take_in_woken(now);
    started.push_back(*task);
  }
  return started;
}

std::vector<Scheduler::Unreachable> Scheduler::take_unreachable() const {
  State& s = *state_;
  std::vector<Unreachable> found = std::exchange(s.unreachable, {});
  std::erase_if(found, [&](const Unreachable& it) { return !s.waits(it.task); });
  for (const Unreachable& it : found) s.mark(it.task).unreachable_reported = true;
  std::ranges::sort(found, {}, &Unreachable::task);
  return found;
}

std::vector<TaskId> Scheduler::take_gates() const {
  State& s = *state_;
  std::vector<TaskId> tasks = std::exchange(s.at_gate, {});
  std::erase_if(tasks, [&](TaskId task) { return s.mark(task).at != State::At::gate; });
  return tasks;
}

bool Scheduler::take_review_due() const {
  return state_->review_due() && !std::exchange(state_->review_reported, true);
}

bool Scheduler::failure_limit_reached() const { return state_->failure_limit_reached(); }

std::optional<Time> Scheduler::next_wake(Time now) const {
  const State& s = *state_;
  if (s.is_held() || s.running >= s.policy.parallel) return std::nullopt;
  if (s.review_ahead() && !s.last_held_up()) return std::nullopt;
  std::optional<Time> next = s.pool.next_due();
  if (!s.backoffs.empty() && (!next || s.backoffs.top().first < *next))
    next = s.backoffs.top().first;
  return next ? std::optional(std::max(*next, now)) : std::nullopt;
}

Waited Scheduler::waited(TaskId task, Time now) const { return state_->clock.waited(task, now); }

std::uint32_t Scheduler::running() const { return state_->running; }
std::uint32_t Scheduler::waiting() const { return state_->waiting; }
bool Scheduler::all_ended() const { return state_->ended == state_->marks.size(); }
bool Scheduler::is_running(TaskId task) const {
  return state_->mark(task).at == State::At::running;
}

bool Scheduler::waits(TaskId task) const { return state_->waits(task); }

std::uint32_t Scheduler::lane_of(TaskId task) const {
  check(is_running(task), "only a running task has a slot");
  return state_->mark(task).lane;
}

std::uint32_t Scheduler::next_lane() const {
  const State& s = *state_;
  return s.free_lanes.empty() ? s.lanes : s.free_lanes.front();
}

}  // namespace interlock::schedule
