#pragma once

#include <cstdint>
#include <string>

namespace interlock::decide {

/// Why tasks of a standing queue run as they do, with so many at once.
std::string standing_reason(std::uint32_t parallel);

}  // namespace interlock::decide
