#pragma once

#include <string>

#include "base/result.h"
#include "cli/console.h"

namespace CLI {
class App;
}

namespace interlock::cli {

struct Context;

struct HistoryOptions {
  std::string action = "show";  ///< `show`, `prune`, `import`, `export`.
  std::string file;             ///< Of `import`; `-` is standard input.
  std::string task, agent, model, plan, older, by = "task";
  bool all = false, here = false, regret = false;
};

/// Declares what `history` takes.
void declare_history(CLI::App& verb, HistoryOptions& options);

/// What earlier runs measured: shown, forgotten, taken in from a file, given out.
Result<Exit> history_command(const Context& context, const HistoryOptions& options);

}  // namespace interlock::cli
