#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "engine/event.h"
#include "engine/run_state.h"

// What a store keeps of a run's events beside them, so that one task can be looked at without the
// plan and without what happened to all others. Made of events alone: it equals their replay.
namespace interlock::engine {

/// The subject of events of the whole run: how it began and ended, and what holds for all tasks.
inline constexpr std::int64_t kOfRun = -1;

/// What an event is found by: the number of the task whose record it changes, or `kOfRun`. Nothing:
/// it is found only by reading all, for no look at one task needs it.
std::optional<std::int64_t> subject_of(const Event& event);

/// What an event changes of how a task stands; nothing: that stays as it was.
struct StandingChange {
  std::optional<TaskState> state;
  std::optional<bool> at_gate;  ///< `TaskRecord::gate_since`.

  bool operator==(const StandingChange&) const = default;
};
/// Adds what the event changes to what others before it did.
void add_standing_changes(std::map<TaskId, StandingChange>& changes, const Event& event);

/// The number that a task has among some that were chosen; nothing: it is not one of them.
using NumberAmong = std::function<std::optional<TaskId>(TaskId)>;
/// Gives an event's tasks the numbers they have among those that were chosen. What it says of
/// others is left out. False: it is an event of one of those.
bool renumber(Event& event, const NumberAmong& among);

}  // namespace interlock::engine
