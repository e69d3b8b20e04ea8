#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/chosen_run.h"
#include "cli/console.h"
#include "journal/store.h"

// A run keeps the plan it was made of. Its file may have been edited since.
namespace interlock::cli {

/// Which of the two a person wants.
enum class WhichPlan : unsigned char {
  ask,  ///< The edited one where that is no question: nothing of what it changes has a result.
  old_one,
  new_one,
};

/// What is done about an edit.
enum class Followed : unsigned char {
  as_it_was,      ///< Nothing in the plan changed, or the old one was asked for.
  taken_over,     ///< The run goes on with the edited plan; `dispatch` makes it the run's own.
  needs_new_run,  ///< The edited plan was asked for, and only another run can be that.
};

/// Looks at the plan's file as it is now and says what follows from it: never silent where the plan
/// that runs is not the one in the file. Refused where a person has to choose.
Result<Followed> follow_edits(journal::Store& store, std::unique_ptr<ChosenRun>& run,
                              const std::string& state_folder, WhichPlan which, Console& console);

/// Where the plan of a run lies.
std::string plan_path_of(const ChosenRun& run);

}  // namespace interlock::cli
