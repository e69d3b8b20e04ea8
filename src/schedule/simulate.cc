#include "schedule/simulate.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "base/check.h"
#include "schedule/scheduler.h"

namespace interlock::schedule {
namespace {

/// A run in which nothing fails and people answer at once.
class Simulation {
 public:
  Simulation(const Problem& problem, const Policy& policy,
             const std::vector<std::int64_t>& priorities)
      : problem_(problem), scheduler_(problem, policy, priorities, Time{}) {
    timeline_.slots.reserve(problem.jobs.size());
  }

  Timeline run() {
    while (true) {
      start_all();
      if (scheduler_.all_ended()) break;
      advance();
    }
    std::ranges::sort(timeline_.slots, {},
                      [](const Slot& slot) { return std::pair(slot.start, slot.task); });
    return std::move(timeline_);
  }

 private:
  void start_all() {
    while (true) {
      for (const TaskId task : scheduler_.choose_starts(now_)) {
        const Time end = now_ + problem_.jobs[task.index()].expected;
        ends_.emplace(end, task);
        timeline_.slots.push_back(
            {task, now_.time_since_epoch(), end.time_since_epoch(), scheduler_.slot_of(task)});
      }
      if (!approve_all()) break;
    }
  }

  bool approve_all() {
    const std::vector<TaskId> gates = scheduler_.take_gates();
    for (const TaskId task : gates) scheduler_.approve(task, now_);
    const bool review = scheduler_.take_review_due();
    if (review) scheduler_.approve_review(now_);
    return review || !gates.empty();
  }

  /// To the next end, or the next moment at which a quota admits something.
  void advance() {
    std::optional<Time> next = scheduler_.next_wake(now_);
    if (!ends_.empty() && (!next || ends_.top().first <= *next)) next = ends_.top().first;
    check(next.has_value(), "a plan without failures goes on until all its tasks have ended");
    now_ = *next;
    while (!ends_.empty() && ends_.top().first == now_) {
      const TaskId task = ends_.top().second;
      ends_.pop();
      scheduler_.release(task, {}, now_);
      scheduler_.end(task, End::succeeded, now_);
      timeline_.elapsed = now_.time_since_epoch();
    }
  }

  const Problem& problem_;
  Scheduler scheduler_;
  Time now_{};
  std::priority_queue<std::pair<Time, TaskId>, std::vector<std::pair<Time, TaskId>>, std::greater<>>
      ends_;
  Timeline timeline_;
};

}  // namespace

Timeline simulate(const Problem& problem, const Policy& policy,
                  const std::vector<std::int64_t>& priorities) {
  return Simulation(problem, policy, priorities).run();
}

}  // namespace interlock::schedule
