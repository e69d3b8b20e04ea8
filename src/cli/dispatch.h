#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/chosen_run.h"
#include "cli/console.h"
#include "journal/store.h"

namespace interlock::cli {

/// How a run is shown while it is dispatched.
enum class Face : unsigned char {
  automatic,  ///< A panel on a terminal, lines elsewhere.
  panel,
  lines,
};

/// Takes the run and dispatches it until it is over, in the foreground. Refused when another
/// dispatcher has the run or its workspace. `begun` is called once when it is held and durable; an
/// error of it ends the run as an interruption. The result is the exit code of `run`.
Result<Exit> dispatch(journal::Store& store, const std::string& state_folder, ChosenRun& run,
                      Face face, Console& console, const std::function<Result<void>()>& begun = {});

/// `user@host`, for those who are told who holds a run.
std::string dispatcher_name();

}  // namespace interlock::cli
