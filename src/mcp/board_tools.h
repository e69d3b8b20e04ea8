#pragma once

#include <vector>

#include "mcp/tools.h"

namespace interlock::mcp {

/// To post notes for other tasks and to read what they left.
std::vector<Tool> board_tools();

}  // namespace interlock::mcp
