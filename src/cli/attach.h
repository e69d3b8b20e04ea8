#pragma once

#include <string>

#include "cli/commands.h"

namespace interlock::cli {

/// Shows a run that somebody else dispatches until it is over, and ends as that run does. A signal
/// ends the looking, not the run. On a terminal as the panel of `run`, else a line for each task
/// that moves on.
Result<Exit> attach_command(const Context& context, const std::string& run);

}  // namespace interlock::cli
