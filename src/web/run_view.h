#pragma once

#include "base/json.h"
#include "report/run_record.h"
#include "runs/chosen_run.h"

// A run as the page has it. Nothing in it changes by time alone: what goes on has no end, and the
// page counts on from when it began.
namespace interlock::web {

/// Everything of the run. `head` is all but the tasks, `tasks` are in plan order, `fixed` what does
/// not change: the ways, and the kinds of spans. Times are milliseconds since the run began.
struct RunView {
  json::object head, fixed;
  json::array tasks;
};
/// `status` is that of `run` now.
RunView view_of(const runs::ChosenRun& run, engine::RunStatus status, journal::Store& store,
                Time now);

/// What most tasks have, by member; and the tasks with only what is otherwise: `id` and `state`
/// always.
json::object usual_of(const json::array& tasks);
json::array without_usual(const json::array& tasks, const json::object& usual);

/// Asked for when it is looked at: the bars of the ways in `fixed`; the edges as
/// `[before, after, reason, ...]`; how full the accounts of the plan's quotas are.
json::object ways_of(const runs::ChosenRun& run);
json::object graph_of(const runs::ChosenRun& run);
json::object quotas_of(const runs::ChosenRun& run, const std::string& state_folder, Time now);

/// What stands in the view and not in an earlier one of as many tasks:
/// `{"head": {...}, "tasks": {"12": {...}}}`; empty: nothing.
json::object difference(const RunView& earlier, const RunView& later);

/// What a person is shown who is to answer a gate, as a digest: the task, its attempt, what it
/// changed and gave back. Of a review: what was done since. Nothing: no such gate is open.
std::optional<std::string> gate_digest(const runs::ChosenRun& run, const std::string& task);

}  // namespace interlock::web
