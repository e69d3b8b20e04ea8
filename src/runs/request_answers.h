#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "runs/asking.h"

// What a dispatcher makes of what a person asked.
namespace interlock::runs {

struct RequestAnswer {
  std::string refused;  ///< Why not; empty: it was done.
};

/// Asks, and waits for the dispatcher's word on it. Nothing: none looked at it in ten seconds, or
/// there is none; it is looked at when somebody goes on with the run. For requests that are
/// answered by an event that names them: `post`, `send` and `move`.
Result<std::optional<RequestAnswer>> ask_and_wait(Asked& asked, engine::Request::Kind kind,
                                                  const std::string& task, const std::string& body);

}  // namespace interlock::runs
