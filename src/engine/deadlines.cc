#include <algorithm>

#include "engine/engine.h"

// When attempts run out of time, and when the dispatcher looks next. What their clocks say is the
// attempt's own matter.
namespace interlock::engine {

/// What they would be given one after the other.
Duration Engine::timeout_of(const Attempt& live) const {
  Duration sum = task(live.task()).timeout;
  for (const TaskId id : live.share.others) sum += task(id).timeout;
  return sum;
}

Attempt::Clocks Engine::clocks_of(const Attempt& live) const {
  const plan::Task& one = task(live.task());
  return {timeout_of(live), one.idle_timeout, one.grace,
          ports_.processes.last_output_at(live.name()).value_or(live.started())};
}

void Engine::watch_clocks() {
  for (auto& [id, live] : live_) {
    const Attempt::Clocks clocks = clocks_of(live);
    if (const auto why = live.overdue(clocks, now())) {
      stop(live, *why);
      continue;
    }
    const auto lingers = live.lingers_until(clocks);
    if (!lingers || now() < *lingers) continue;
    live.agent.released = true;
    live.work.remarks.push_back("it stayed after its final answer, and was ended");
    acts_.push_back({Act::Kind::stop, live.name(), clocks.grace});
  }
}

std::optional<Time> Engine::next_wake() const {
  std::optional<Time> wake = scheduler().next_wake(now());
  for (const auto& [id, live] : live_) {
    const auto next = live.next_moment(clocks_of(live));
    if (next) wake = wake ? std::min(*wake, *next) : *next;
  }
  return wake;
}

}  // namespace interlock::engine
