#include "schedule/priority.h"

#include "schedule/simulate.h"

namespace interlock::schedule {

Improved improve(const Problem& problem, const Policy& policy, const std::function<bool()>&) {
  Improved best{.priorities = critical_path_priorities(problem), .elapsed = {}, .tried = 1};
  best.elapsed = simulate(problem, policy, best.priorities).elapsed;
  return best;
}

}  // namespace interlock::schedule
