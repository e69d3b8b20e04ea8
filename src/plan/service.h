#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/units.h"

namespace interlock::plan {

/// What to execute. Exactly one of the two is set.
struct Command {
  std::vector<std::string> arguments;  ///< An argument list: executed as it is, no shell.
  std::string shell;                   ///< A string: `sh -c`.

  bool empty() const { return arguments.empty() && shell.empty(); }
  bool operator==(const Command&) const = default;
};

/// A program that runs beside a task's work, for as long as that goes on: a database for its tests.
struct Service {
  std::string name;
  Command run;    ///< `{port}`, `{tmp}`, ... are filled in when it starts.
  Command ready;  ///< Ends with 0 once it can be used; empty: its port is connected to.
  Duration ready_within = std::chrono::seconds(30);

  bool operator==(const Service&) const = default;
};

/// The most services of one task: each takes a port of the attempt's own.
inline constexpr std::size_t kMostServices = 10;

}  // namespace interlock::plan
