#include "engine/turn.h"

#include "agents/adapter.h"
#include "engine/retry.h"

namespace interlock::engine {

/// The run is in it too: two runs of one plan do not wait in step.
std::string Turn::seed_of(TaskId id) const {
  return label_of(setup.around, task(id), record_of(id).attempts.back().number);
}

bool Turn::has_snapshot(TaskId id) const {
  const plan::Isolation isolation = task(id).isolation;
  return isolation == plan::Isolation::view || isolation == plan::Isolation::worktree;
}

bool Turn::can_resume(TaskId id) const {
  // Of the attempt: after a failure another model may do it, with sessions of its own.
  const plan::Agent& agent = plan.agents[task_of_attempt(plan, run(), id).agent.index()];
  const agents::Adapter* adapter = agents::adapter_for(agent);
  return adapter != nullptr && adapter->resumes(agent) && !record_of(id).session.empty();
}

}  // namespace interlock::engine
