#pragma once

#include <compare>
#include <cstdint>

#include "base/id.h"

namespace interlock::engine {

/// Names one attempt of one task, for good: a late report of an earlier attempt is told apart by
/// it. `phase` 0 is the work, 1 its verify command, 2 that command once more, after its changes
/// were merged with others', 3 a merge driver, which joins a file of them.
struct AttemptName {
  TaskId task;
  std::uint32_t attempt = 1;
  std::uint32_t phase = 0;

  auto operator<=>(const AttemptName&) const = default;
};

inline constexpr std::uint32_t kDriverPhase = 3;

}  // namespace interlock::engine
