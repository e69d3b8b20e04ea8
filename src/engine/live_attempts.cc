#include "engine/live_attempts.h"

#include <algorithm>

// When attempts run out of time, and when the dispatcher looks next. What their clocks say is the
// attempt's own matter.
namespace interlock::engine {

Attempt* LiveAttempts::find(TaskId task) {
  const auto found = live_.find(task);
  return found == live_.end() ? nullptr : &found->second;
}

const Attempt* LiveAttempts::find(TaskId task) const {
  const auto found = live_.find(task);
  return found == live_.end() ? nullptr : &found->second;
}

/// A report may be late: of an attempt before, or of a phase that is over.
Attempt* LiveAttempts::find(AttemptName name) {
  Attempt* const live = find(name.task);
  return live != nullptr && live->name() == name ? live : nullptr;
}

Attempt& LiveAttempts::add(Attempt attempt) {
  const TaskId task = attempt.task();
  return live_.insert_or_assign(task, std::move(attempt)).first->second;
}

void LiveAttempts::add_and_spawn(Attempt attempt) { spawn(add(std::move(attempt)).name()); }

void LiveAttempts::stop(Attempt& live, Outcome why, const std::string& detail) {
  // Nothing of it runs any more. A signal leaves its work as it is; a person does not want it.
  const bool is_over = live.state() == Attempt::State::collecting;
  if (is_over && (why != Outcome::cancelled || turn_.ends_by_signal())) return;
  live.stop(why, detail);
  if (is_over || live.state() == Attempt::State::judged) return;
  // Its check is not begun: it ends as one that was stopped before.
  if (live.state() == Attempt::State::queued) {
    live.begin_check(live.started());
    return spawn(live.name());
  }
  // Only once the turn's events are durable is anything sent to it.
  // Who asks a second time does not wait for anybody's grace.
  const bool at_once = turn_.interrupts > 1;
  acts_.push_back(
      {Act::Kind::stop, live.name(), at_once ? Duration{} : turn_.task(live.task()).grace});
}

std::vector<const plan::Task*> LiveAttempts::tasks_of(const Attempt& live) const {
  std::vector<const plan::Task*> tasks{&turn_.task(live.task())};
  for (const TaskId id : live.share.others) tasks.push_back(&turn_.task(id));
  return tasks;
}

/// What they would be given one after the other.
Duration LiveAttempts::timeout_of(const Attempt& live) const {
  if (const auto* merge = live.merging.next()) return merge->timeout;
  Duration sum = turn_.task(live.task()).timeout;
  for (const TaskId id : live.share.others) sum += turn_.task(id).timeout;
  return sum;
}

Attempt::Clocks LiveAttempts::clocks_of(const Attempt& live) const {
  const plan::Task& one = turn_.task(live.task());
  // What joins files prints nothing, and has a time of its own.
  const bool may_be_silent = live.name().phase == kDriverPhase;
  return {timeout_of(live), may_be_silent ? Duration{} : one.idle_timeout, one.grace,
          turn_.ports.executor.last_output_at(live.name()).value_or(live.started())};
}

void LiveAttempts::watch_clocks() {
  for (auto& [id, live] : live_) {
    const Attempt::Clocks clocks = clocks_of(live);
    if (const auto why = live.overdue(clocks, turn_.now())) {
      stop(live, *why);
      continue;
    }
    const auto lingers = live.lingers_until(clocks);
    if (!lingers || turn_.now() < *lingers) continue;
    live.agent.released = true;
    live.work.remarks.push_back("it stayed after its final answer, and was ended");
    // Not by `stop`: its work is good, and what ends it is no outcome of it.
    acts_.push_back({Act::Kind::stop, live.name(), clocks.grace});
  }
}

std::optional<Time> LiveAttempts::next_moment() const {
  std::optional<Time> moment;
  for (const auto& [id, live] : live_) {
    const auto next = live.next_moment(clocks_of(live));
    if (next) moment = moment ? std::min(*moment, *next) : *next;
  }
  return moment;
}

}  // namespace interlock::engine
