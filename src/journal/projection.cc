#include "journal/projection.h"

#include <algorithm>
#include <variant>

namespace interlock::journal {

Projection::Projection(SampleOwner owner, std::vector<TaskLabel> tasks)
    : owner_(std::move(owner)), tasks_(std::move(tasks)) {}

void Projection::apply(const engine::RecordedEvent& recorded) {
  std::visit([&](const auto& event) { on(event, recorded.at); }, recorded.event);
}

Measured Projection::take() {
  Measured taken = std::move(measured_);
  measured_ = {};
  taken.run = owner_.run;
  return taken;
}

const TaskLabel* Projection::label(TaskId task) const {
  return task.index() < tasks_.size() ? &tasks_[task.index()] : nullptr;
}

void Projection::on(const engine::RunBegan& event, Time) {
  const std::size_t at = event.dispatcher.rfind('@');
  host_ = at == std::string::npos ? std::string() : event.dispatcher.substr(at + 1);
}

void Projection::on(const engine::AttemptStarted& event, Time at) {
  Open open;
  open.started = at;
  const engine::WaitedFor& waited = event.waited;
  open.waits.needs = waited.needs;
  open.waits.conflict = waited.conflict;
  open.waits.quota = waited.quota;
  open.waits.slot = waited.slot;
  open.waits.gate = waited.gate;
  open.waits.backoff = waited.backoff;
  // What one of its tries did was measured there.
  open.batched = event.because == engine::AttemptStarted::Trigger::tries;
  open_[event.task] = open;
}

void Projection::on(const engine::AttemptsBatched& event, Time) {
  open_[event.task].batched = true;
  for (const TaskId other : event.others) open_[other].batched = true;
}

/// A call is in flight from when it is sent, which is after all waiting. It is told in the turn
/// after its end, some milliseconds late.
void Projection::on(const engine::ModelCalled& event, Time at) {
  using engine::CallEnd;
  const engine::ModelCall& call = event.call;
  const TaskLabel* const of = label(event.task);
  if (of == nullptr || call.replayed) return;
  const Duration waited = std::max(Duration::zero(), call.waited_quota + call.waited_lead);
  const Duration elapsed = std::max(Duration::zero(), call.elapsed);
  if (const auto open = open_.find(event.task); open != open_.end()) {
    open->second.waits.calls_quota += call.waited_quota;
    open->second.waits.calls_cache += call.waited_lead;
    if (!open->second.startup)
      open->second.startup = std::max(Duration::zero(), at - elapsed - open->second.started);
  }
  const bool sent = call.end == CallEnd::answered || call.end == CallEnd::cut_off;
  if (!sent || waited >= elapsed || of->account.empty()) return;
  const bool whole = call.end == CallEnd::answered && call.retries == 0;
  measured_.calls.push_back({of->account, call.model, owner_.run, at - (elapsed - waited), at,
                             whole ? call.usage.output : std::nullopt});
}

void Projection::on(const engine::AttemptEnded& event, Time at) {
  const TaskLabel* const of = label(event.task);
  const auto found = open_.find(event.task);
  Open open = found == open_.end() ? Open{} : found->second;
  if (found != open_.end()) open_.erase(found);
  if (of != nullptr && of->is_loose && event.outcome == engine::Outcome::succeeded)
    loose_[event.task] = event.attempt;
  // An even part of what several tasks took says nothing of what one takes.
  if (of == nullptr || open.batched) return;
  history::Sample sample;
  sample.at = at;
  sample.workspace = owner_.workspace;
  sample.plan = owner_.plan;
  sample.run = owner_.run;
  sample.attempt = event.attempt;
  sample.task = of->id;
  sample.shape = of->shape.empty() ? of->id : of->shape;
  sample.agent = of->agent;
  sample.model = of->model;
  sample.host = host_;
  sample.account = of->account;
  sample.outcome = engine::name_of(event.outcome);
  sample.elapsed = std::max(Duration::zero(), event.elapsed);
  sample.startup = open.startup;
  sample.size = of->size;
  sample.usage = event.usage;
  sample.spawn_tokens = event.spawn_tokens;
  sample.return_tokens = event.return_tokens;
  sample.waits = open.waits;
  if (of->joins > 0) sample.joined = of->joins;
  sample.cpu_time = event.cpu_time;
  sample.memory_peak_bytes = event.memory_peak_bytes;
  if (event.outcome == engine::Outcome::conflicted) sample.met = true;
  measured_.samples.push_back(std::move(sample));
}

void Projection::on(const engine::TaskDone& event, Time) {
  if (loose_.contains(event.task)) unreviewed_.push_back(event.task);
}

/// What a person had before them at the gate, they have read and made one of when they approve it.
void Projection::note_joined(const engine::GateAnswered& event, Duration took) {
  // Longer than that for one output nobody was there.
  constexpr Duration kPresent = std::chrono::minutes(30);
  std::vector<TaskId> shown;
  if (event.kind == engine::GateKind::review) {
    shown = std::exchange(unreviewed_, {});
  } else if (event.task && event.kind == engine::GateKind::after) {
    shown.push_back(*event.task);
  } else if (const TaskLabel* const of = event.task ? label(*event.task) : nullptr) {
    shown = of->loose_before;
  }
  // What is reused was read in the run that it is from.
  std::erase_if(shown, [&](TaskId task) { return !loose_.contains(task); });
  if (shown.empty() || !event.approved) return;
  const Duration each = took / static_cast<std::int64_t>(shown.size());
  if (each > kPresent) return;
  for (const TaskId task : shown)
    measured_.joined.push_back({label(task)->id, loose_.at(task), each});
}

void Projection::note_conflict(TaskId task, std::uint32_t attempt, bool met) {
  if (const TaskLabel* const of = label(task)) measured_.met.push_back({of->id, attempt, met});
}
void Projection::on(const engine::CommitRefused& event, Time) {
  note_conflict(event.task, event.attempt, true);
}
void Projection::on(const engine::ChangesCommitted& event, Time) {
  note_conflict(event.task, event.attempt, false);
}

void Projection::on(const engine::GateReached& event, Time at) {
  gates_[{event.task, event.kind}] = at;
}

void Projection::on(const engine::GateAnswered& event, Time at) {
  const auto reached = gates_.find({event.task, event.kind});
  if (reached == gates_.end()) return;
  history::Sample sample;
  sample.at = at;
  sample.workspace = owner_.workspace;
  sample.plan = owner_.plan;
  sample.run = owner_.run;
  sample.agent = history::kPerson;
  sample.host = host_;
  sample.outcome = "answered";
  sample.elapsed = std::max(Duration::zero(), at - reached->second);
  note_joined(event, *sample.elapsed);
  gates_.erase(reached);
  measured_.samples.push_back(std::move(sample));
}

}  // namespace interlock::journal
