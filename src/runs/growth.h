#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "decide/standing.h"
#include "engine/event.h"
#include "engine/growth.h"
#include "footprint/growing_interlocking.h"
#include "plan/growth.h"
#include "runs/planning.h"
#include "runs/run_models.h"

// Tasks that are added to a plan which was read, interlocked and decided before.
namespace interlock::runs {

/// What this host and this dispatcher have for tasks that are added; made before processes are
/// started, because to try a sandbox out takes some.
struct GrowthMeans {
  std::map<plan::Isolation, std::optional<Error>> isolations;  ///< Nothing: it is possible.
  std::set<std::string> providers;  ///< Agents whose model calls the gateway can send.
  Environment environment;
  Redaction secrets;  ///< What no journal may hold, so that no task may say it.
};
/// `all`: whatever may be added; else only what tasks of the plan have already.
GrowthMeans growth_means(const plan::Plan& plan, const std::string& state_folder, bool all,
                         std::set<std::string> providers);

/// Adds to `planned`: to the plan, the interlocking, what is expected and what was decided, in the
/// same way while a run goes on and when its journal is read again.
class RunGrowth final : public engine::PlanGrowth {
 public:
  /// `planned` and `request` must outlive it. Costs nothing before the first task.
  RunGrowth(Planned& planned, const PlanRequest& request, decide::History history);

  /// How the plan's document is read again with items of families, by number.
  std::function<Result<plan::Plan>(const std::map<std::uint32_t, std::vector<std::string>>&)>
      read_again;
  /// From here on tasks are held against what there is for them.
  void dispatch_with(GrowthMeans means);
  /// Called with the plan when tasks were added, and the number of the first.
  std::function<void(const plan::Plan&, std::size_t first)> on_grown;

  Result<engine::GrownBy> add(const std::string& tasks) override;
  Result<engine::Expanded> expand(std::uint32_t family, const std::string& output) override;
  /// What the journal says was added.
  Result<void> replay(const engine::TasksAdded& event);
  Result<void> replay(const engine::FamilyExpanded& event);

 private:
  /// What finding out whom new tasks meet takes.
  struct Index {
    plan::Growth reader;
    footprint::GrowingInterlocking conflicts;
    decide::AddedVerdicts verdicts;
  };
  Index& index();
  Result<std::string> with_ids(const std::string& tasks);
  Result<void> read(const std::string& tasks, plan::Files& files);
  Result<void> check(std::size_t first) const;
  Result<void> settle(std::size_t first);
  Result<void> settle(plan::Task& task) const;
  plan::Plan part_from(std::size_t first, std::size_t count) const;
  engine::GrownBy interlock_from(std::size_t first);
  void take_back(std::size_t first);
  Result<void> put_in_place(std::uint32_t family, const std::vector<std::string>& items);
  void interlock_again();

  Planned& planned_;
  const PlanRequest& request_;
  decide::History history_;
  std::optional<GrowthMeans> means_;
  std::unique_ptr<Index> index_;
};

}  // namespace interlock::runs
