#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "schedule/problem.h"
#include "schedule/simulate.h"

namespace interlock::schedule {

/// Each job's longest way to the end over links (and past jobs that run alone), itself included:
/// the critical path priority (b-level), in microseconds. O(jobs + links).
std::vector<std::int64_t> critical_path_priorities(const Problem& problem);

/// The longest of them: no schedule is shorter, with whatever many slots.
Duration critical_path(const Problem& problem);

/// How long the quotas need to admit everything, and the last task then to run.
Duration quota_bound(const Problem& problem);

/// No schedule can be shorter: the critical path, each capacity's and each quota's total work, and
/// total work over `parallel`.
Duration lower_bound(const Problem& problem, const Policy& policy);

struct Improved {
  std::vector<std::int64_t> priorities;
  Duration elapsed{};
  std::uint32_t tried = 0;  ///< Orders looked at.
};

/// Looks for an order with a shorter forecast, starting from the critical path, until the lower
/// bound is reached, to a thousandth, or `more()` says no. Never worse than the critical path. Same
/// inputs, same number of tries: same answer (seeded by the problem). Forward-backward improvement
/// from orders that are shaken or made anew in part, after Kolisch & Hartmann (2006).
Improved improve(const Problem& problem, const Policy& policy, const std::function<bool()>& more);

}  // namespace interlock::schedule
