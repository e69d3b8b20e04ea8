#include <fmt/format.h>

#include <algorithm>

#include "engine/view_of.h"

// Why a task waits, in words.
namespace interlock::engine {

namespace {

using Why = schedule::WaitReason::Why;

/// What lies between their footprints. That one needs the other is said by other words.
const footprint::Edge* edge_between(const footprint::Interlocking& interlocking, TaskId before,
                                    TaskId after) {
  for (const footprint::Edge& edge : interlocking.into(after)) {
    if (edge.before == before && !footprint::is_said(edge.why)) return &edge;
  }
  return nullptr;
}

/// A condition waits for an end, whatever it is: for people that is no conflict.
bool asks_how_it_ends(const footprint::Interlocking& interlocking, TaskId before, TaskId after) {
  return std::ranges::any_of(interlocking.into(after), [&](const footprint::Edge& edge) {
    return edge.before == before && edge.why == footprint::Why::outcome;
  });
}

std::string say_conflict(const footprint::Interlocking& interlocking, const std::string& other,
                         TaskId before, TaskId after) {
  const footprint::Edge* edge = edge_between(interlocking, before, after);
  // The scheduler leaves out what follows from other edges, or a task was done again behind it.
  if (edge == nullptr) return fmt::format("{}, which goes before it", other);
  switch (edge->why) {
    case footprint::Why::lock: return fmt::format("{}, which holds the lock `{}`", other, edge->on);
    case footprint::Why::unknown:
      return fmt::format("{}: one of them touches what nobody declared", other);
    // Of several paths in common the first is named: it is where to look.
    default: return fmt::format("{}: {} on `{}`", other, name_of(edge->why), edge->on);
  }
}

}  // namespace

std::string say(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                const schedule::WaitReason& hold, TaskId id, Time now) {
  const std::string other = hold.task ? fmt::format("`{}`", plan[*hold.task].id) : std::string();
  const std::string resource =
      hold.resource ? fmt::format("`{}`", plan.resources[hold.resource->index()].name)
                    : std::string();
  // By now, not by when the scheduler was asked: what is shown is counted down.
  const std::string wait =
      hold.until ? show_duration(std::max(Duration{}, *hold.until - now)) : std::string();
  switch (hold.why) {
    case Why::needs: return fmt::format("needs {}", other);
    case Why::conflict:
      if (asks_how_it_ends(interlocking, *hold.task, id))
        return fmt::format("its condition asks how {} ends", other);
      return "conflict with " + say_conflict(interlocking, other, *hold.task, id);
    case Why::exclusive: return fmt::format("one of it and {} runs alone", other);
    case Why::slot: return "all slots are taken";
    case Why::capacity: return fmt::format("too little of {} is free", resource);
    // One that needs much is not overtaken for ever by those that need little.
    case Why::reserved: return fmt::format("what is free of {} is kept for {}", resource, other);
    case Why::quota: return fmt::format("quota {} admits it in {}", resource, wait);
    case Why::gate:
      return hold.task ? "gate: a person has to approve it" : "gate: a review comes first";
    case Why::backoff: return fmt::format("tried again in {}", wait);
    case Why::order: return fmt::format("in sequence after {}", other);
    case Why::held: return "the run is paused: `interlock resume` lets it go on";
    case Why::stopped: return "no more starts: the run is stopping";
  }
  return {};
}

}  // namespace interlock::engine
