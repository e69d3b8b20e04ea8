#pragma once

#include <cstdint>
#include <vector>

#include "base/id.h"
#include "base/units.h"

namespace interlock::schedule {

/// An attempt that fails, and the pause before the next one.
struct Failure {
  Duration takes{};
  Duration pause{};
};

/// What becomes of one task.
struct Fate {
  Duration takes{};  ///< The attempt that succeeds, where nothing slows it.
  std::vector<Failure> failures;
  Duration before{}, after{};  ///< How long a person thinks at its gates.
};

/// Two tasks that may meet and are not kept apart: `after` commits only once `before` has ended. If
/// they do meet and `after` saw the workspace without what `before` commits, it is done again.
struct Conflict {
  TaskId before, after;
  bool meets = true;
};

/// One that was done again so often starts only when all before it in plan order have ended.
inline constexpr std::uint32_t kConflictsInTurn = 3;

/// What happens in virtual time, settled before it begins: whatever the pattern and the width, each
/// meets the same luck.
struct World {
  std::vector<Fate> fates;  ///< By task; empty: all takes what is expected, people answer at once.
  std::vector<Conflict> conflicts;
  std::vector<Duration>
      reviews;  ///< How long a person takes for each; the last holds for the rest.
};

}  // namespace interlock::schedule
