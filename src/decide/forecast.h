#pragma once

#include <vector>

#include "decide/decision.h"
#include "decide/draws.h"
#include "schedule/priority.h"

namespace interlock::decide {

using Priorities = std::vector<std::int64_t>;

/// Foretells the ways to run one problem, and counts what every way costs: the same work and the
/// same tax.
class Forecaster {
 public:
  /// All must outlive it.
  Forecaster(const schedule::Problem& problem, const plan::Limits& limits,
             const std::vector<Expected>& expected, const std::vector<Verdict>& verdicts,
             const Draws& draws);

  /// One by one, in plan order.
  Forecast in_sequence() const;
  /// At most `n` at once, by critical path (of those that may meet too), if estimates come true.
  Forecast at_once(std::uint32_t n) const;
  /// As `plain`, which `at_once(n)` gave, but in the best order that is found while `more()` says
  /// yes. Plans too large for that keep the critical path.
  Forecast improved(Forecast plain, std::uint32_t n, const std::function<bool()>& more,
                    Priorities& priorities) const;
  /// What the draws say of a way.
  Range range(std::uint32_t n, bool plan_order, const Priorities& priorities) const;
  /// The same if tasks that are not kept apart never met.
  Duration mean_without_conflicts(std::uint32_t n, const Priorities& priorities) const;
  /// How many could run at once if there were slots and resources for all.
  std::uint32_t natural_width() const;
  /// All tasks' time, one after the other.
  Duration work() const { return work_; }

  schedule::Policy policy(std::uint32_t n, bool plan_order) const;
  const schedule::Problem& problem() const { return *problem_; }
  const Priorities& critical_path() const { return critical_path_; }

 private:
  Forecast with(schedule::Timeline timeline) const;
  Duration join_of(const schedule::Timeline& timeline) const;

  const schedule::Problem* problem_;
  const plan::Limits* limits_;
  const std::vector<Expected>* expected_;
  const std::vector<Verdict>* verdicts_;
  const Draws* draws_;
  Priorities critical_path_;
  std::optional<Tokens> tokens_, overhead_tokens_;
  std::optional<MicroUsd> cost_;
  Duration work_{};
};

}  // namespace interlock::decide
