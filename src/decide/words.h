#pragma once

#include <string>
#include <vector>

#include "base/id.h"
#include "base/units.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"

namespace interlock::decide {

/// The decision's sentences about tasks and edges, so that all screens say the same thing the same
/// way.

/// `` `a`, `b` and 3 more``
std::string names_of(const plan::Plan& plan, const std::vector<TaskId>& tasks,
                     std::size_t most = 3);

/// `` `a` and `b` both write `notes/**` ``
std::string say_edge(const plan::Plan& plan, const footprint::Edge& edge);

/// As `show_duration`, but seconds up to two minutes: what is compared with 45 s reads better as 95
/// s than as 1 m 35 s.
std::string show_time_taken(Duration duration);

/// `1 task`, `3 tasks`
std::string count_of(std::size_t count, const std::string& what);

}  // namespace interlock::decide
