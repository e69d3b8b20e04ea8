#pragma once

#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// How the world is taken to be other than the plan and history say: what a forecast is asked "as
/// if". Factors of one change nothing.
struct Conditions {
  double quota = 1;  ///< Of the rates of every quota, and of how many may be in flight.
  double size =
      1;  ///< Of the time, the tokens and the cost of every task, not of the dispatch tax.

  bool operator==(const Conditions&) const = default;
};

/// Between which a factor may lie: what is beyond has nothing to do with the plan any more.
inline constexpr double kLeastFactor = 0.01, kMostFactor = 100;

/// No rate and no count becomes less than one.
void apply_quota(plan::Plan& plan, const Conditions& conditions);
/// What is unknown stays unknown. Failures and spread stay as they are.
void apply_size(std::vector<Expected>& expected, const Conditions& conditions);

}  // namespace interlock::decide
