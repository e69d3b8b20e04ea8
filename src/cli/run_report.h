#pragma once

#include <string>

#include "base/json.h"
#include "cli/chosen_run.h"
#include "engine/status.h"
#include "panel/style.h"

namespace interlock::cli {

/// `show --json`: docs/json.md. Numbers that are not known are null.
json::object run_json(const ChosenRun& run, const engine::RunStatus& view, journal::Store& store);

/// `show` for people: how the run stands, one line a task, the merges.
std::string run_text(const ChosenRun& run, const engine::RunStatus& view, panel::Size size,
                     panel::Style style);

}  // namespace interlock::cli
