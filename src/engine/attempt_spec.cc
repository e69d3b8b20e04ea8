#include "engine/attempt_spec.h"

#include <algorithm>

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

/// By digest: whoever does the attempt may be elsewhere, and asks for the bytes it lacks.
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

/// What one task asks for; a judge is shown what its tries were asked and what they gave.
AttemptSpec::Work work_of(const plan::Plan& plan, const RunState& run, plan::Task task) {
  AttemptSpec::Work work;
  work.inputs = inputs_of(plan, run, task);
  if (task.judge_of) {
    work.judged = plan[*task.judge_of];
    work.inputs = inputs_of(plan, run, *work.judged);  // Its prompt is shown as it was filled in.
    for (std::size_t i = 0; i < work.judged->tries.size(); ++i) {
      const TaskRecord& record = run[work.judged->tries[i]];
      // Numbered among all tries, as it answers with that number; those that were not good are left
      // out.
      if (record.state == TaskState::done)
        work.tries.push_back({i + 1, record.output, record.attempts.back().diff});
    }
  }
  work.task = std::move(task);
  return work;
}

}  // namespace

std::vector<Digest> AttemptSpec::contents() const {
  std::vector<Digest> all;
  const auto add = [&all](const std::optional<Digest>& one) {
    if (one) all.push_back(*one);
  };
  // In no order that means anything: they are looked up by digest.
  for (const Work& one : work) {
    for (const Input& input : one.inputs) add(input.output);
    for (const Try& shown : one.tries) add(shown.output), add(shown.diff);
  }
  return all;
}

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
  // Never as after a failure: who shares an attempt has none behind it.
  for (const TaskId other : latest.others) spec.work.push_back(work_of(plan, run, plan[other]));
  spec.mends = latest.because == Trigger::repair;
  spec.goes_on = latest.because == Trigger::again && was_stopped_at_limit(record);
  spec.session = record.session;
  spec.agent = plan.agents[spec.task().agent.index()];
  const agents::Adapter* const adapter = adapter_of(spec.agent, spec);
  // A session is of use only to a client that can be told to take one up.
  const bool has_session =
      adapter != nullptr && adapter->resumes(spec.agent) && !record.session.empty();
  spec.resumes =
      has_session && (spec.mends || spec.goes_on || latest.because == Trigger::correction);
  spec.correction = record.correction;
  for (const MessageRecord& message : record.messages) {
    // In a session that is taken up, it has been told what came before.
    const bool is_known = spec.resumes && message.attempt < latest.number;
    if (!is_known && message.attempt != 0) spec.work.front().messages.push_back(message);
  }
  spec.lane = latest.lane;
  spec.deadline = deadline;
  spec.spent = spent_by(record);
  // What an attempt paid for that came to nothing by no fault of its own is not paid for twice.
  spec.replays_own = latest.because == Trigger::again;
  return spec;
}

void add_host(AttemptSpec& spec, const plan::Plan& plan, const HostEnvironment& around) {
  const plan::Task& task = spec.task();
  spec.label = label_of(around, task, spec.name.attempt);
  for (const plan::Agent& one : plan.agents) spec.key_variables.push_back(one.key.variable);
  if (spec.name.phase != 0) return;  // A check asks nobody.
  const agents::Adapter* const adapter = adapter_of(spec.agent, spec);
  const bool asks_models =
      adapter != nullptr && agents::provider_through_gateway(spec.agent, task.model);
  if (!asks_models && task.board.empty()) return;
  Gateway::RouteSpec& calls = spec.route.emplace();
  calls.name = spec.name;
  calls.label = spec.label;
  calls.board = !task.board.empty();
  // The board alone: no key, no budget and no brake is about it.
  if (!asks_models) return;
  calls.agent = spec.agent.name;
  for (const plan::Use& use : task.uses) {
    const plan::Resource& resource = plan.resources[use.resource.index()];
    if (resource.kind == plan::Resource::Kind::quota) calls.quotas.push_back(resource.name);
  }
  calls.deadline = spec.deadline;
  const Spent& spent = spec.spent;
  // A budget is for all attempts of a task together.
  if (task.budget_tokens) calls.tokens = std::max<Tokens>(0, *task.budget_tokens - spent.tokens);
  if (task.budget_usd) calls.usd = std::max<MicroUsd>(0, *task.budget_usd - spent.usd);
  const plan::Limits& limits = plan.limits;
  calls.brakes.calls = limits.calls;
  calls.brakes.repeats = limits.repeats;
  calls.brakes.failures = 2 * limits.repeats;
  calls.brakes.usd_per_minute = limits.usd_per_minute;
  const auto& expected = around.expected_tokens;
  // By these the gateway says who goes on near the run's limit.
  if (!expected.empty()) calls.progress.expected = expected[spec.name.task.index()];
  if (spec.resumes) calls.progress.used = spent.tokens;
  calls.progress.keeps_session = adapter->resumes(spec.agent);
  calls.allowed_hosts = task.allowed_hosts;
  calls.replay_own = spec.replays_own;
  // Where calls are recorded, two requests that differ by these alone are the same.
  calls.noise.ids = adapter->sends_random_ids();
  calls.noise.dates = adapter->sends_the_date();
}

}  // namespace interlock::engine
