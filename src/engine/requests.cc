#include <fmt/format.h>

#include <algorithm>

#include "engine/engine.h"

// What people ask of a running dispatcher. A request that no longer fits (the task has ended
// meanwhile) is passed over: the one who asked sees in the journal what happened instead.
namespace interlock::engine {

void Engine::take_requests() {
  auto requests = ports_.journal.take_requests();
  if (!requests) {
    broken_ = requests.error();
    return;
  }
  for (const Request& request : *requests) answer(request);
}

void Engine::answer(const Request& request) {
  using Kind = Request::Kind;
  switch (request.kind) {
    case Kind::approve: return answer_gate(request, true);
    case Kind::reject: return answer_gate(request, false);
    case Kind::cancel_run: return cancel_run(request.by);
    case Kind::cancel_task:
      if (const auto id = plan_.find(request.task)) cancel_task(*id, request.by);
      return;
    case Kind::retry:
      if (const auto id = plan_.find(request.task)) revive(*id);
      return;
    case Kind::add: return add_tasks(request);
    case Kind::close:
      if (!run().additions_closed) batch_.record(AdditionsClosed{request.by});
      return;
    case Kind::hold: return hold(request);
    case Kind::release: return release_hold(request.by);
    case Kind::retune: return retune(request);
  }
}

void Engine::answer_gate(const Request& request, bool approved) {
  if (request.task.empty()) return answer_review(request, approved);
  const auto id = plan_.find(request.task);
  if (!id || !record(*id).gate_since) return;
  const bool before = record(*id).state == TaskState::waiting;
  batch_.record(
      GateAnswered{*id, before ? GateKind::before : GateKind::after, approved, request.by});
  if (!approved) drop_changes(*id);
  if (!approved)
    return fail_for_good(*id, Outcome::cancelled, fmt::format("rejected by {}", request.by));
  if (!before) settle_work(*id);
}

void Engine::answer_review(const Request& request, bool approved) {
  if (!run().review_open) return;
  batch_.record(GateAnswered{std::nullopt, GateKind::review, approved, request.by});
  if (!approved) cancel_run(request.by);
}

void Engine::cancel_task(TaskId id, const std::string& by) {
  if (cancel_part(id)) return;
  if (const auto live = live_.find(id); live != live_.end())
    return stop(live->second, Outcome::cancelled);
  const TaskState state = record(id).state;
  if (state != TaskState::waiting && state != TaskState::reviewing &&
      state != TaskState::committing)
    return;
  drop_changes(id);
  batch_.record(TaskCancelled{id, by});
}

void Engine::cancel_run(const std::string& by) {
  if (run().is_stopped_for(RunStopping::Cause::cancelled)) return;
  batch_.record(RunStopping{fmt::format("cancelled by {}", by), RunStopping::Cause::cancelled});
  for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) cancel_task(TaskId(i), by);
}

void Engine::revive(TaskId id) {
  const TaskState state = record(id).state;
  if (state != TaskState::failed && state != TaskState::cancelled && state != TaskState::skipped)
    return;
  if (record(id).is_unneeded()) return;  // It would be found so again.
  batch_.record(TaskRevived{id});
  // Plan order puts what was skipped behind what it was skipped for, so one pass finds chains too.
  for (std::uint32_t i = id.index() + 1; i < plan_.tasks.size(); ++i) {
    const TaskRecord& one = run().tasks[i];
    const auto waits = [this](TaskId other) { return record(other).state == TaskState::waiting; };
    const bool is_open = one.is_unneeded() && one.unneeded != kNoSuchItem &&
                         (std::ranges::any_of(task(TaskId(i)).needs, waits) ||
                          std::ranges::any_of(task(TaskId(i)).after, waits));
    if (is_open || (one.state == TaskState::skipped && one.because && waits(*one.because))) {
      batch_.record(TaskRevived{TaskId(i)});
    }
  }
}

void Engine::interrupt() {
  ++interrupts_;
  if (interrupts_ == 1) batch_.record(RunStopping{"interrupted", RunStopping::Cause::interrupted});
  for (auto& [id, live] : live_) stop(live, Outcome::cancelled);
}

}  // namespace interlock::engine
