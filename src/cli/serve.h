#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/console.h"

namespace interlock::cli {

struct Context;

struct ServeRequest {
  bool web = false;   ///< Serve the page over HTTP on 127.0.0.1.
  bool link = false;  ///< Ask the server that runs for another link, and end.
  std::uint16_t port = 0;
  std::string socket;   ///< Empty: the usual place.
  std::string metrics;  ///< Where to keep the bearer that opens `/metrics`; empty: nowhere.
};
/// Until a signal comes.
Result<Exit> serve_command(const Context& context, const ServeRequest& request);

}  // namespace interlock::cli
