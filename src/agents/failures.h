#pragma once

#include <optional>
#include <string_view>

#include "agents/event.h"

// From a model side's own words to a kind of failure: clients pass on the status and the message,
// and little else.
namespace interlock::agents {

/// The HTTP status a message tells of: `unexpected status 401 Unauthorized`, `429 slow down`.
std::optional<int> status_in(std::string_view message);

/// Words weigh more than the status: a spent quota comes as 400, 403 and 429, a prompt that is too
/// long as 400.
Failure failure_of(std::optional<int> status, std::string_view message);
/// With the status looked for in the message.
Failure failure_of(std::string_view message);

}  // namespace interlock::agents
