#include "engine/attempt_spec.h"

#include "engine/retry.h"

namespace interlock::engine {

namespace {

/// The attempt before this one had done some of the work when a budget or the provider's quota
/// was used up: what it paid for is in its session.
bool was_stopped_at_limit(const TaskRecord& record) {
  const std::size_t count = record.attempts.size();
  if (count < 2) return false;
  const AttemptRecord& before = record.attempts[count - 2];
  const bool at_limit =
      before.outcome == Outcome::over_budget || before.outcome == Outcome::quota_spent;
  return at_limit && !before.session.empty() && !before.is_batched();
}

std::vector<AttemptSpec::Input> inputs_of(const plan::Plan& plan, const RunState& run,
                                          const plan::Task& task) {
  std::vector<AttemptSpec::Input> inputs;
  for (const TaskId needed : task.output_of) {
    const plan::Task& other = plan[needed];
    const TaskRecord& record = run[needed];
    AttemptSpec::Input input{other.id, {}, record.output, record.is_unneeded()};
    // Of what is done in rounds, the output is that of the last one that was.
    if (other.loop && record.state == TaskState::done) input.round_of = plan.loops[*other.loop].id;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

AttemptSpec::Work work_of(const plan::Plan& plan, const RunState& run, plan::Task task) {
  AttemptSpec::Work work;
  work.inputs = inputs_of(plan, run, task);
  if (task.judge_of) {
    work.judged = plan[*task.judge_of];
    work.inputs = inputs_of(plan, run, *work.judged);  // Its prompt is shown as it was filled in.
    for (std::size_t i = 0; i < work.judged->tries.size(); ++i) {
      const TaskRecord& record = run[work.judged->tries[i]];
      if (record.state == TaskState::done)
        work.tries.push_back({i + 1, record.output, record.attempts.back().diff});
    }
  }
  work.task = std::move(task);
  return work;
}

}  // namespace

std::vector<const plan::Task*> AttemptSpec::tasks() const {
  std::vector<const plan::Task*> tasks;
  for (const Work& one : work) tasks.push_back(&one.task);
  return tasks;
}

const agents::Adapter* adapter_of(const plan::Agent& agent, const AttemptSpec& spec) {
  // A task may mend by a command of its own, whoever did its work.
  if (spec.mends && !spec.task().repair.empty()) return nullptr;
  return agents::adapter_for(agent);
}

AttemptSpec spec_of(const plan::Plan& plan, const RunState& run, TaskId id, std::uint32_t phase,
                    Time deadline) {
  using Trigger = AttemptStarted::Trigger;
  const TaskRecord& record = run[id];
  const AttemptRecord& latest = record.attempts.back();
  AttemptSpec spec;
  spec.name = {id, latest.number, phase};
  spec.work.push_back(work_of(plan, run, task_of_attempt(plan, run, id)));
  for (const TaskId other : latest.others) spec.work.push_back(work_of(plan, run, plan[other]));
  spec.mends = latest.because == Trigger::repair;
  spec.goes_on = latest.because == Trigger::again && was_stopped_at_limit(record);
  spec.session = record.session;
  const plan::Agent& agent = plan.agents[spec.task().agent.index()];
  const agents::Adapter* const adapter = adapter_of(agent, spec);
  const bool has_session = adapter != nullptr && adapter->resumes(agent) && !record.session.empty();
  spec.resumes =
      has_session && (spec.mends || spec.goes_on || latest.because == Trigger::correction);
  spec.correction = record.correction;
  spec.lane = latest.lane;
  spec.deadline = deadline;
  spec.spent = spent_by(record);
  // What an attempt paid for that came to nothing by no fault of its own is not paid for twice.
  spec.replays_own = latest.because == Trigger::again;
  return spec;
}

}  // namespace interlock::engine
