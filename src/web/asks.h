#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// What the page asks for, as commands of our own binary.
namespace interlock::web {

/// The words of the command that does what is asked of a run: `reject`, `cancel`, `approve` (of a
/// `task`), `pause` (`calls`: send no model call either), `resume` (apart from the server, where
/// nobody dispatches it), `set` (`parallel`, `tokens`, `usd`), `add` (a task: `id`, `command` or
/// `agent` and `prompt`, `reads`, `writes`, `needs`), `move` (a `task` of a queue to `place`,
/// `before` or `after`), `post` (`text` to a `topic`), `send` (`text` to the agent of a `task`). An
/// error says which member means nothing; `missing`: there is no such verb. Whatever a member holds
/// is an operand or a value, never an option.
Result<std::vector<std::string>> command_of(std::string_view verb, const std::string& run,
                                            const json::object& body);

/// The words that foretell the run under other conditions; texts as a query has them, empty: as it
/// is.
Result<std::vector<std::string>> forecast_of(const std::string& run, const std::string& parallel,
                                             const std::string& quota, const std::string& size);

}  // namespace interlock::web
