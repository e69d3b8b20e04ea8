#pragma once

#include <string>
#include <vector>

#include "engine/event.h"
#include "plan/plan.h"

namespace interlock::sim {

/// What a store keeps of a run's tasks beside their events equals the replay of all, after each of
/// them; and what one task's own events make of its record is what all events make of it. Empty: it
/// is so. The last `later` tasks of the plan were added while it ran.
std::string fault_of_task_index(const plan::Plan& plan, std::size_t later,
                                const std::vector<engine::RecordedEvent>& events);

}  // namespace interlock::sim
