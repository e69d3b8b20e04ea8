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
  plan::Task own = task_of_attempt(plan, run, id);
  std::vector<AttemptSpec::Input> inputs = inputs_of(plan, run, own);
  spec.work.push_back({std::move(own), std::move(inputs)});
  for (const TaskId other : latest.others)
    spec.work.push_back({plan[other], inputs_of(plan, run, plan[other])});
  spec.mends = latest.because == Trigger::repair;
  spec.goes_on = latest.because == Trigger::again && was_stopped_at_limit(record);
  spec.session = record.session;
  const plan::Agent& agent = plan.agents[spec.task().agent.index()];
  const agents::Adapter* const adapter = adapter_of(agent, spec);
  const bool has_session = adapter != nullptr && adapter->resumes(agent) && !record.session.empty();
  spec.resumes =
      has_session && (spec.mends || spec.goes_on || latest.because == Trigger::correction);
  spec.correction = record.correction;
  for (const MessageRecord& message : record.messages) {
    // In a session that is taken up, it has been told what came before.
    const bool is_known = spec.resumes && message.attempt < latest.number;
    if (!is_known && message.attempt != 0) spec.messages.push_back(message);
  }
  spec.lane = latest.lane;
  spec.deadline = deadline;
  spec.spent = spent_by(record);
  // What an attempt paid for that came to nothing by no fault of its own is not paid for twice.
  spec.replays_own = latest.because == Trigger::again;
  return spec;
}

}  // namespace interlock::engine
