#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace interlock::process {

/// Runs a program and gives what it wrote to standard output, without the line's end; for programs that
/// answer a question, such as where a key is. It is killed after `patience`. The error never holds what it
/// wrote. Not while a LocalProcesses is open: that would take the child for one of its own.
Result<std::string> ask_program(const std::vector<std::string>& arguments, Duration patience);

}  // namespace interlock::process
