#pragma once

#include <string>

#include "cli/queue.h"

namespace interlock::cli {

/// Adds all tasks of a plan, which join those of a queue or a run that goes on: all of them or
/// none. Of the request only where to counts.
Result<Exit> add_plan_command(const Context& context, const AddRequest& request,
                              const std::string& file);

}  // namespace interlock::cli
