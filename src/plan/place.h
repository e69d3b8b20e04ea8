#pragma once

#include <cstdint>

namespace interlock::plan {

/// Where in the plan document something was written; line and column count from 1.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool operator==(const Place&) const = default;
};

}  // namespace interlock::plan
