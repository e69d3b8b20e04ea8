#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

// Runs as tasks of the protocol (extension `io.modelcontextprotocol/tasks`, 2026-07-28,
// github.com/modelcontextprotocol/ext-tasks): who declares it and calls `run` is given the run as a
// task, asks how it stands with `tasks/get`, and ends it with `tasks/cancel`. The task is the run:
// it is there before anybody hears of it, and knows nothing of this server.
namespace interlock::mcp {

inline constexpr std::string_view kTasks = "io.modelcontextprotocol/tasks";

/// `now`: RFC 3339, as in all of these.
json::object created_task(const json::object& run_answer, std::string_view now);
/// Of a run as `show --json` tells it. Over, it carries what a call of `status` would have
/// answered.
json::object task_of_run(const json::object& shown, std::string_view now);

}  // namespace interlock::mcp
