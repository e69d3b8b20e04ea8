#pragma once

#include <vector>

#include "decide/decision.h"
#include "schedule/priority.h"

namespace interlock::decide {

/// Foretells the ways to run one problem, and counts what every way costs: the same work and the
/// same tax.
class Forecaster {
 public:
  Forecaster(const schedule::Problem& problem, const plan::Limits& limits,
             const std::vector<Expected>& expected);

  /// One by one, in plan order.
  Forecast in_sequence() const;
  /// At most `n` at once, by critical path.
  Forecast at_once(std::uint32_t n) const;
  /// As `plain`, which `at_once(n)` gave, but in the best order that is found while `more()` says
  /// yes. Plans too large for that keep the critical path.
  Forecast improved(Forecast plain, std::uint32_t n, const std::function<bool()>& more,
                    std::vector<std::int64_t>& priorities) const;
  /// The fewest slots that reach 95 % of the speed that `cap` of them reach.
  std::uint32_t fewest_sufficient(std::uint32_t cap, Duration with_cap) const;
  /// How many could run at once if there were slots and resources for all.
  std::uint32_t natural_width() const;

  schedule::Policy policy(std::uint32_t n, bool plan_order) const;
  const std::vector<std::int64_t>& critical_path() const { return critical_path_; }

 private:
  Forecast with(schedule::Timeline timeline) const;

  const schedule::Problem* problem_;
  const plan::Limits* limits_;
  std::vector<std::int64_t> critical_path_;
  std::optional<Tokens> tokens_, overhead_tokens_;
  std::optional<MicroUsd> cost_;
  Duration work_{};
};

}  // namespace interlock::decide
