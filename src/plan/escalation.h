#pragma once

#include <algorithm>
#include <cstddef>

#include "plan/plan.h"

namespace interlock::plan {

/// Whether another agent or model tries the task after a failure.
inline bool escalates(const Task& task) {
  return task.retry_agent.has_value() || !task.retry_model.empty();
}

/// The task as it is tried after a failure.
inline Task as_retried(const Plan& plan, Task task) {
  if (task.retry_agent) {
    const Agent& agent = plan.agents[task.retry_agent->index()];
    task.agent = *task.retry_agent;
    task.model = agent.model;
    if (agent.kind == AgentKind::command) {
      task.run = agent.run;
      task.repair = agent.repair;
    }
  }
  if (!task.retry_model.empty()) task.model = task.retry_model;
  task.retry_agent.reset();
  task.retry_model.clear();
  return task;
}

/// The plan with a task more for each that is tried by others after a failure: what has to be there
/// for all who may come to work.
inline Plan with_retries(Plan plan) {
  const std::size_t count = plan.tasks.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (!escalates(plan.tasks[i])) continue;
    plan.tasks.push_back(as_retried(plan, plan.tasks[i]));
    plan.tasks[i].retry_agent.reset();
    plan.tasks[i].retry_model.clear();
  }
  return plan;
}
inline bool any_escalates(const Plan& plan) { return std::ranges::any_of(plan.tasks, escalates); }

}  // namespace interlock::plan
