#pragma once

#include "cli/commands.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

namespace interlock::cli {

/// Where the plan's own `verify` failed on all of a run that is over: who makes it fail, for
/// people.
void say_who_fails_check(const Context& context, journal::Store& store, const runs::ChosenRun& run);

}  // namespace interlock::cli
