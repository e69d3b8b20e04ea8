#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace interlock::process {

/// Runs a program and gives what it wrote to standard output, without the line's end; for programs
/// that answer a question, such as where a key is. It is killed after `patience`. The error never
/// holds what it wrote. Not while a LocalProcesses is open: that would take the child for one of
/// its own. `environment`: all that it is given; null: our own.
Result<std::string> ask_program(const std::vector<std::string>& arguments, Duration patience,
                                const std::map<std::string, std::string>* environment = nullptr);

}  // namespace interlock::process
