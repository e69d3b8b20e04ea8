#pragma once

#include <string>

#include "base/result.h"
#include "cli/console.h"

namespace CLI {
class App;
}

namespace interlock::cli {

struct Context;

struct CalibrateOptions {
  std::string agent;  ///< Of the plan, else the kind of a client.
  std::string plan;   ///< Empty: `interlock.yaml`, where there is one.
  int attempts = 6;
  std::string usd = "0.50";
  bool yes = false;
};

/// Declares what `calibrate` takes.
void declare_calibrate(CLI::App& verb, CalibrateOptions& options);

/// Measures what it takes to dispatch to an agent on this machine, by a stated and bounded number
/// of tiny tasks: two one after the other, the others at once. What was measured becomes samples of
/// the origin `calibration`.
Result<Exit> calibrate_command(const Context& context, const CalibrateOptions& options);

}  // namespace interlock::cli
