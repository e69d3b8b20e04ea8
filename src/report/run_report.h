#pragma once

#include <string>

#include "base/json.h"
#include "engine/status.h"
#include "panel/style.h"
#include "runs/chosen_run.h"

namespace interlock::report {

/// `show --json`: docs/json.md. Numbers that are not known are null.
json::object run_json(const runs::ChosenRun& run, const engine::RunStatus& view,
                      journal::Store& store);

/// `show` for people: how the run stands, one line a task, the merges.
std::string run_text(const runs::ChosenRun& run, const engine::RunStatus& view, panel::Size size,
                     panel::Style style);

}  // namespace interlock::report
