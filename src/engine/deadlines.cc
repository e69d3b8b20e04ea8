#include <algorithm>

#include "engine/engine.h"

// When attempts run out of time, and when the dispatcher looks next.
namespace interlock::engine {

void Engine::watch_clocks() {
  for (auto& [id, live] : live_) {
    // The gateway keeps its time, and parks it then.
    if (!live.is_timed()) continue;
    const plan::Task& one = task(id);
    const Time last_output = last_sign_of(live);
    if (now() >= live.started + timeout_of(live)) {
      stop(live, Outcome::timed_out);
    } else if (one.idle_timeout > Duration{} && now() >= last_output + one.idle_timeout) {
      stop(live, Outcome::went_silent);
    }
    watch_lingering(live);
  }
}

/// A client that has given its final answer and stays: after its grace it is ended, which is no
/// failure.
void Engine::watch_lingering(Live& live) {
  if (live.name.phase != 0 || !live.reader || live.stopped_for || live.released ||
      !live.transcript.final)
    return;
  if (now() < lingers_until(live)) return;
  live.released = true;
  live.remarks.push_back("it stayed after its final answer, and was ended");
  acts_.push_back({Act::Kind::stop, live.name, task(task_of(live)).grace});
}

/// When it was last heard, or could not be because its call was held.
Time Engine::last_sign_of(const Live& live) const {
  return std::max(ports_.processes.last_output_at(live.name).value_or(live.started),
                  live.waited_at_limit_until);
}

Time Engine::lingers_until(const Live& live) const {
  const plan::Task& one = task(task_of(live));
  const Time last_output = ports_.processes.last_output_at(live.name).value_or(live.started);
  // Where more may follow a final answer, only its silence tells.
  const bool is_last = live.adapter->final_is_last() || one.idle_timeout <= Duration{};
  return last_output + (is_last ? one.grace : std::max(one.grace, one.idle_timeout));
}

/// What they would be given one after the other.
Duration Engine::timeout_of(const Live& live) const {
  Duration sum = task(task_of(live)).timeout;
  for (const TaskId id : live.others) sum += task(id).timeout;
  return sum;
}

std::optional<Time> Engine::next_wake() const {
  std::optional<Time> wake = scheduler().next_wake(now());
  const auto at = [&wake](Time time) { wake = wake ? std::min(*wake, time) : time; };
  for (const auto& [id, live] : live_) {
    if (live.start_again) at(*live.start_again);
    if (!live.is_timed()) continue;
    const plan::Task& one = task(id);
    at(live.started + timeout_of(live));
    if (one.idle_timeout > Duration{}) {
      at(last_sign_of(live) + one.idle_timeout);
    }
    if (live.name.phase == 0 && live.reader && live.transcript.final && !live.released)
      at(lingers_until(live));
  }
  return wake;
}

}  // namespace interlock::engine
