#pragma once

#include "decide/decision.h"
#include "decide/forecast.h"

namespace interlock::decide {

/// What the sentences are made from.
struct Asked {
  const plan::Plan& plan;
  const footprint::Interlocking& interlocking;
  const std::vector<Expected>& expected;
  const Options& options;
  std::uint32_t cap = 1;
  /// How many could run at once if there were slots and resources for all; not counted in huge
  /// plans.
  std::optional<std::uint32_t> natural_width;
};

std::vector<std::string> reasons_of(const Asked& asked, const Decision& decision);
std::vector<std::string> changes_of(const Asked& asked, const schedule::Problem& problem,
                                    const Decision& decision);
std::vector<std::string> warnings_of(const Asked& asked, const Decision& decision);
/// What the forecasts do not count.
std::vector<std::string> left_out_of(const Asked& asked, const schedule::Problem& problem,
                                     const Decision& decision);

}  // namespace interlock::decide
