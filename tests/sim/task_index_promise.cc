#include "sim/task_index_promise.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "engine/run_state.h"
#include "engine/task_index.h"

namespace interlock::sim {
namespace {

using engine::RecordedEvent;
using engine::RunState;
using engine::TaskRecord;

std::int64_t micros(const std::optional<Time>& time) {
  return time ? time->time_since_epoch().count() : -1;
}

/// What looks at one task are made of.
std::string text_of(const TaskRecord& record) {
  std::string text =
      fmt::format("{} at a gate since {} for {}, settled {}, {} messages, `{}` `{}`\n",
                  name_of(record.state), micros(record.gate_since), record.gate_time.count(),
                  micros(record.settled), record.messages.size(), record.detail, record.unneeded);
  for (const engine::AttemptRecord& one : record.attempts) {
    text += fmt::format(
        "  {} since {} until {}: {} `{}`, {} calls, {} remarks, merged {}, refused {}\n",
        one.number, one.started_seq, micros(one.ended), one.outcome ? name_of(*one.outcome) : "",
        one.detail, one.calls, one.remarks.size(), one.merged.size(), one.refused.has_value());
  }
  return text;
}

/// How the tasks stand as a store keeps it.
class Standings {
 public:
  void take(const RecordedEvent& recorded) {
    std::map<TaskId, engine::StandingChange> changes;
    engine::add_standing_changes(changes, recorded.event);
    for (const auto& [task, change] : changes) {
      auto& [state, at_gate] = kept_[task];
      state = change.state.value_or(state);
      at_gate = change.at_gate.value_or(at_gate);
    }
  }
  bool is_that_of(const RunState& run) {
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
      const auto& [state, at_gate] = kept_[TaskId(i)];
      if (state != run.tasks[i].state || at_gate != run.tasks[i].gate_since.has_value())
        return false;
    }
    return true;
  }

 private:
  std::map<TaskId, std::pair<engine::TaskState, bool>> kept_;
};

/// The record of one task, made of its events and the run's alone, among which it is number 0.
std::string record_alone(TaskId task, const std::vector<RecordedEvent>& events) {
  RunState alone{plan::Plan{}};
  alone.tasks.resize(1);
  const engine::NumberAmong among = [&](TaskId one) {
    return one == task ? std::optional(TaskId(0)) : std::nullopt;
  };
  for (RecordedEvent recorded : events) {
    const auto subject = engine::subject_of(recorded.event);
    if (subject != std::int64_t{task.index()} && subject != engine::kOfRun) continue;
    if (std::holds_alternative<engine::ChangesLost>(recorded.event)) continue;
    if (!engine::renumber(recorded.event, among)) continue;
    alone.seq = recorded.seq - 1;
    engine::apply(alone, recorded);
  }
  return text_of(alone[TaskId(0)]);
}

}  // namespace

std::string fault_of_task_index(const plan::Plan& plan, std::size_t later,
                                const std::vector<RecordedEvent>& events) {
  RunState run(plan);
  run.tasks.resize(plan.tasks.size() - later);
  Standings standings;
  std::set<TaskId> lost;  // What becomes of these is said of them all at once.
  for (const RecordedEvent& recorded : events) {
    engine::apply(run, recorded);
    standings.take(recorded);
    if (!standings.is_that_of(run))
      return fmt::format("how tasks stand is what event {} ({}) makes of it", recorded.seq,
                         name_of(recorded.event));
    if (const auto* one = std::get_if<engine::ChangesLost>(&recorded.event))
      lost.insert(one->tasks.begin(), one->tasks.end());
  }
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if (lost.contains(TaskId(i))) continue;
    const std::string whole = text_of(run.tasks[i]), alone = record_alone(TaskId(i), events);
    if (whole != alone)
      return fmt::format("task {} is, by its own events,\n{}and by all\n{}", i, alone, whole);
  }
  return {};
}

}  // namespace interlock::sim
