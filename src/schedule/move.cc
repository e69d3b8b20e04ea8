// What the scheduler does where a person puts tasks into another order.
#include <algorithm>

#include "base/check.h"
#include "schedule/state.h"

namespace interlock::schedule {

void Scheduler::move(TaskId task, MovePlace place, std::optional<TaskId> other, Time now) {
  State& s = *state_;
  const bool is_beside = place == MovePlace::before || place == MovePlace::after;
  check(s.waits(task) && is_beside == other.has_value() && other != task,
        "a waiting task is moved");
  s.advance(now);
  // Queues hold ranks: they are left under the old ones, and entered anew.
  for (std::uint32_t i = 0; i < s.marks.size(); ++i) {
    const bool is_in_queue =
        s.marks[i].at == State::At::ready || s.marks[i].at == State::At::parked;
    if (!is_in_queue) continue;
    s.leave_queues(TaskId(i));
    s.marks[i].at = State::At::blocked;
  }
  static_cast<void>(s.pool.take_woken());
  s.ready = {};
  std::erase(s.by_rank, task);
  auto at = s.by_rank.begin();
  if (place == MovePlace::last) at = s.by_rank.end();
  if (is_beside) at = std::ranges::find(s.by_rank, *other) + (place == MovePlace::after ? 1 : 0);
  s.by_rank.insert(at, task);
  for (Rank rank = 0; rank < s.by_rank.size(); ++rank) s.rank_of[s.by_rank[rank].index()] = rank;
  s.is_moved = true;
  s.recount(now);
}

}  // namespace interlock::schedule
