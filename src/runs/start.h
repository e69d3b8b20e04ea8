#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

// From a document to a run that can be dispatched.
namespace interlock::runs {

/// Where runs are kept, and where the person stands who starts one.
struct StartingPlace {
  journal::Store& store;
  const std::string& state_folder;
  const Where& where;
};

/// Reads the document, decides how to run it, and makes the run's row in the store. It has no event
/// yet: until `dispatch` began it, nobody finds it as `last`. Errors: the plan's, what this host
/// lacks for it (programs, keys, isolation), a recording that is not there, the store's.
Result<std::unique_ptr<ChosenRun>> start(const StartingPlace& place, const Document& document,
                                         const PlanRequest& request);

/// A run that was refused before it began is none: nobody is to find it as `last`, or as died.
void forget_unbegun(journal::Store& store, const std::string& state_folder, const std::string& run);

/// What the agents may do is said with everything else that is to be known before they do it.
void note_powers(Planned& planned);
/// What the plan says of this machine and is not so.
void note_machine(Planned& planned);

}  // namespace interlock::runs
