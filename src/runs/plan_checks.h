#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"
#include "runs/run_models.h"

// What a plan says of this machine, held against it before anything runs.
namespace interlock::runs {

/// `reads` that match nothing now and that no task of the plan writes, each with the nearest that
/// would; a line each.
std::vector<std::string> unmatched_reads(const plan::Plan& plan);

/// Whether the clients of the plan's agents are installed. The error names the first that is not.
Result<void> check_programs(const plan::Plan& plan, const Environment& environment);

/// Programs of commands that are not in PATH, a line each. They may be there by the time they run.
std::vector<std::string> absent_commands(const plan::Plan& plan, const Environment& environment);

/// Whether what agents need of the person is there: keys, and log-ins.
Result<void> check_access(const plan::Plan& plan, const Environment& environment);

}  // namespace interlock::runs
