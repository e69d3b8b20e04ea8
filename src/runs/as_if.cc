#include "runs/as_if.h"

#include "runs/asking.h"
#include "runs/chosen_run.h"
#include "runs/learning.h"

namespace interlock::runs {

Result<Planned> plan_as_if(journal::Store& store, const std::string& run, const AsIf& as_if) {
  auto chosen = choose_run_as_kept(store, run);
  if (!chosen) return std::unexpected(chosen.error());
  plan::Plan plan = std::move((*chosen)->planned.plan);
  auto history = store.history((*chosen)->head.workspace, said_slowings(plan));
  if (!history) return std::unexpected(history.error());
  PlanRequest request = (*chosen)->request;
  // A standing queue is no plan with an end: here it is asked what its tasks so far would take.
  if (request.stands) request.pattern.reset();
  request.stands = false;
  request.effort = as_if.effort;
  if (as_if.parallel) request.parallel = as_if.parallel;
  plan.notes.clear();
  return plan_it(std::move(plan), request, *history, {}, as_if.conditions);
}

}  // namespace interlock::runs
