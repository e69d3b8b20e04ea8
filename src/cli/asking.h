#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"
#include "runs/asking.h"

// What verbs share that ask something of a run.
namespace interlock::cli {

using runs::ask;
using runs::Asked;
using runs::poke;
using runs::post;

Result<Asked> open_for_asking(const Context& context, const std::string& run,
                              const std::string& task = {});

/// What was asked of which run, as JSON or in a line.
void report(const Context& context, const runs::ChosenRun& run, std::string_view did,
            const std::vector<std::string>& tasks, const std::string& line);

}  // namespace interlock::cli
