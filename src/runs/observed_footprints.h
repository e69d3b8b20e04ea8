#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

namespace interlock::runs {

/// What runs showed of a task's dealings with files, as patterns for its plan.
struct Suggestion {
  TaskId task;
  std::vector<std::string> reads, writes;
  std::uint32_t runs = 0;  ///< So many showed all that it touched.
  bool differs = false;    ///< The plan does not say so yet.
};

struct Suggestions {
  std::vector<Suggestion> known;     ///< In plan order.
  std::vector<std::string> unknown;  ///< About tasks that are left as they are, a sentence each.
  std::uint32_t runs = 0;            ///< So many were looked at.
};

/// For every task that was watched: all the plan says, and what it lacks. Joins the latest runs of
/// this plan in its workspace, as far as the task had the command it has now. A task that declares
/// nothing gets a footprint only when a run showed all it touched: what was not seen stays unknown,
/// for `writes: []` would promise that there is nothing.
Result<Suggestions> suggestions_of(journal::Store& store, const ChosenRun& run);

/// As lines for a plan: the task's id, `reads: [...]`, `writes: [...]`.
std::string suggestions_text(const plan::Plan& plan, const Suggestions& all);
json::object suggestions_json(const ChosenRun& run, const Suggestions& all);

/// What `fix_plan` did.
struct Fixed {
  std::size_t tasks = 0;  ///< So many got a footprint.
  Suggestions seen;
};

/// Writes what runs of this plan showed into the plan file, in one rename. `run`: that run alone is
/// asked; empty: the latest runs of the plan.
Result<Fixed> fix_plan(journal::Store& store, const Where& where, const Document& document,
                       const plan::Plan& plan, const std::string& run);

}  // namespace interlock::runs
