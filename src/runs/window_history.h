#pragma once

#include <string>
#include <vector>

#include "quota/windows.h"
#include "runs/chosen_run.h"

namespace interlock::runs {

/// How much of a log-in's window was used when, also of one that is reset since.
struct WindowHistory {
  std::vector<std::string> agents;  ///< By name, in order.
  std::string name;                 ///< `5h`, `7d`.
  std::vector<quota::WindowLevel> levels;
};
/// Of the log-ins that agents of the run use, found as `login_windows` finds them.
std::vector<WindowHistory> window_histories(const ChosenRun& run, const std::string& state_folder,
                                            Time now);

}  // namespace interlock::runs
