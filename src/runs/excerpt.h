#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "journal/store.h"
#include "runs/asking.h"
#include "runs/chosen_run.h"

namespace interlock::runs {

/// Of a run whose dispatcher is dead nothing runs, though its journal ends in the middle of
/// attempts: those wait to be done again.
void show_nothing_running(engine::RunState& state);

/// What is wanted of a run that is looked at in part.
struct ExcerptOptions {
  std::string task;       ///< Whose whole record is wanted; empty: of none.
  bool at_gates = false;  ///< Also the tasks that wait for a person.
};

/// A run of which only this is known: the task that is named, those it waits for and names, and
/// those that were asked for, in plan order. It reads neither the plan nor what happened to others:
/// who it waits for and what it was expected to take are what its dispatcher knew. Of the task its
/// record is whole, of others the state alone; what counts tasks (`finished_count`) is of no use.
///
/// Nothing where this cannot answer as the whole run would: it has no outline, no task of that
/// name, or why the task waits takes more to say.
Result<std::unique_ptr<ChosenRun>> read_excerpt(journal::Store& store, const std::string& run,
                                                const ExcerptOptions& options);

/// As `choose_meant`, for a look at one task: the run may be an excerpt.
Result<Meant> choose_meant_task(journal::Store& store, const Where& where, const std::string& run,
                                const std::string& task);

/// As `open_for_asking`, for the answer of a person at a gate: the run may be an excerpt with those
/// tasks that wait for a person.
Result<Asked> open_for_answering(const StorePlace& place, const Where& where,
                                 const std::string& run, const std::string& task);

}  // namespace interlock::runs
