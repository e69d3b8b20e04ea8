#pragma once

#include <string>
#include <vector>

#include "cli/chosen_run.h"
#include "journal/store.h"

namespace interlock::cli {

/// What a run showed of a task's dealings with files, as patterns for its plan.
struct Suggestion {
  TaskId task;
  std::vector<std::string> reads, writes;
  bool differs = false;  ///< The plan does not say so yet.
};

/// For every task of the run that was watched, in plan order: all the plan says, and what it lacks.
/// A task with an unknown footprint gets what was seen.
Result<std::vector<Suggestion>> suggestions_of(journal::Store& store, const ChosenRun& run);

/// As lines for a plan: the task's id, `reads: [...]`, `writes: [...]`.
std::string suggestions_text(const plan::Plan& plan, const std::vector<Suggestion>& all);

/// Writes what the latest run of this plan showed into the plan file, in one rename.
Result<std::size_t> fix_plan(journal::Store& store, const Document& document,
                             const plan::Plan& plan, const std::string& run);

}  // namespace interlock::cli
