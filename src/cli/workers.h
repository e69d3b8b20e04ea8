#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace CLI {
class App;
}

namespace interlock::cli {

struct WorkerOptions {
  std::uint32_t slots = 1;
  std::vector<std::string> labels;
};
/// `--workers` and `--labels` of a verb that dispatches.
void add_workers_options(CLI::App* sub);
/// Takes jobs of runs with `--workers` until a signal asks it to end.
Result<Exit> worker_command(const Context& context, const WorkerOptions& options);
/// Who lives, what each may do, and what it does.
Result<Exit> workers_command(const Context& context);

}  // namespace interlock::cli
