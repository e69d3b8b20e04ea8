#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/status.h"
#include "panel/style.h"
#include "runs/chosen_run.h"
#include "runs/windows.h"

namespace interlock::report {

/// `show --json`: docs/json.md. Numbers that are not known are null. `windows`: of the log-in that
/// its agents use.
json::object run_json(const runs::ChosenRun& run, const engine::RunStatus& view,
                      journal::Store& store, const std::vector<runs::LoginWindow>& windows);

/// `show` for people: how the run stands, one line a task, the merges, what log-ins have left.
std::string run_text(const runs::ChosenRun& run, const engine::RunStatus& view,
                     const std::vector<std::string>& windows, panel::Size size, panel::Style style);

}  // namespace interlock::report
