#pragma once

#include <string>

#include "cli/commands.h"
#include "runs/drafting.h"

// `plan --goal`: a plan that an agent writes.
namespace interlock::cli {

struct DraftOptions {
  runs::DraftRequest request;
  std::string out;     ///< The file it is written to; `-`: standard output.
  bool force = false;  ///< Also where there is one already.
};
/// Has the plan written and checked, and shows the decision on it. Nothing of it is run.
Result<Exit> draft_command(const Context& context, const DraftOptions& options, Face face);

/// What the check of a draft is called with; `print`: only the plan of what a check found good.
struct DraftCheckOptions {
  runs::DraftFrame frame;
  std::string answer;  ///< A file.
  bool print = false;
};
Result<Exit> check_draft_command(const Context& context, const DraftCheckOptions& options);

}  // namespace interlock::cli
