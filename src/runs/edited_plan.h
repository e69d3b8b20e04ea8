#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

// A run keeps the plan it was made of. Its file may have been edited since.
namespace interlock::runs {

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
/// that runs is not the one in the file: `remarks` are for a person, also where it fails. Refused
/// where a person has to choose.
Result<Followed> follow_edits(journal::Store& store, std::unique_ptr<ChosenRun>& run,
                              const std::string& state_folder, WhichPlan which,
                              std::vector<std::string>& remarks);

/// Where the plan of a run lies.
std::string plan_path_of(const ChosenRun& run);

}  // namespace interlock::runs
