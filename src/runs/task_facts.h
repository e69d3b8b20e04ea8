#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decide/decision.h"
#include "footprint/interlocking.h"
#include "journal/task_index.h"
#include "runs/planning.h"
#include "schedule/problem.h"

// What the dispatcher knows of a task and people are shown of it, kept with the run, so that a look
// at one task reads neither the plan nor who waits for whom.
namespace interlock::runs {

/// Of one task, as it was when its dispatcher took the run or the task was added.
struct KnownOfTask {
  std::vector<footprint::Edge> after;  ///< The edges into it; `Edge::after` is not kept.
  std::vector<footprint::Edge> waits;  ///< Of `Planned::waits()`, likewise.
  Duration expected{};
  bool exclusive = false;
  std::string exclusive_because, exclusive_hint;
  bool is_unknown = false;  ///< Its footprint.
  bool gate_before = false, gate_after = false;
  bool uses_resources = false;

  bool operator==(const KnownOfTask&) const = default;
};

/// Of all of them.
struct KnownOfRun {
  std::vector<std::string> merges;  ///< By name.
  std::uint32_t parallel = 1;
  bool plan_order = true;
  /// Nothing holds a task that may start but a slot, its place in the plan or a person: no task
  /// runs alone, no review is due after so many, and no failure stops the run.
  bool is_plain = false;

  bool operator==(const KnownOfRun&) const = default;
};

/// Of the tasks from `first` on.
std::vector<journal::TaskFacts> facts_of(const Planned& planned, std::size_t first = 0);
/// Empty: what one task is depends on others in ways that are not kept (places of a `foreach` over
/// an output, tries, tasks that share an attempt, merge drivers).
std::string facts_of_run(const Planned& planned);

Result<KnownOfTask> known_of_task(std::string_view facts);
Result<KnownOfRun> known_of_run(std::string_view facts);

}  // namespace interlock::runs
