#include "engine/requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/conditions.h"

namespace interlock::engine {

Result<void> RequestHandler::take() {
  auto requests = turn_.ports.journal.take_requests();
  if (!requests) return std::unexpected(requests.error());
  for (const Request& request : *requests) {
    if (auto answered = answer(request); !answered) return answered;
  }
  return {};
}

Result<void> RequestHandler::answer(const Request& request) {
  // Who asks has looked at a run that may have gone on since: each looks at what is true now.
  using Kind = Request::Kind;
  const auto id = turn_.plan.find(request.task);
  switch (request.kind) {
    case Kind::approve: return answer_gate(request, true);
    case Kind::reject: return answer_gate(request, false);
    case Kind::cancel_run: cancel_run(request.by); break;
    case Kind::cancel_task:
      if (id) cancel_task(*id, request.by);
      break;
    case Kind::retry:
      if (id) revive(*id);
      break;
    case Kind::add: add_tasks(request); break;
    case Kind::close:
      if (!turn_.run().additions_closed) turn_.record(AdditionsClosed{request.by});
      break;
    case Kind::hold: hold(request); break;
    case Kind::release: release_hold(request.by); break;
    case Kind::retune: retune(request); break;
    case Kind::post: post(request); break;
    case Kind::send: send(request); break;
    case Kind::move: move(request); break;
  }
  return {};
}

Result<void> RequestHandler::answer_gate(const Request& request, bool approved) {
  if (request.task.empty()) {
    answer_review(request, approved);
    return {};
  }
  const auto id = turn_.plan.find(request.task);
  // Two people may answer one gate; the second answer is to no question.
  if (!id || !turn_.record_of(*id).gate_since) return {};
  // There is one gate at a time, and the state says which.
  const bool before = turn_.record_of(*id).state == TaskState::waiting;
  turn_.record(
      GateAnswered{*id, before ? GateKind::before : GateKind::after, approved, request.by});
  if (!approved) {
    committer_.drop_changes(*id);
    tasks_.fail_for_good(*id, Outcome::cancelled, fmt::format("rejected by {}", request.by));
    return {};
  }
  // Of a gate after it, the work is there already.
  return before ? Result<void>() : tasks_.settle_work(*id);
}

void RequestHandler::answer_review(const Request& request, bool approved) {
  if (!turn_.run().review_open) return;
  turn_.record(GateAnswered{std::nullopt, GateKind::review, approved, request.by});
  // A review is about the run: there is no task to let go of.
  if (!approved) cancel_run(request.by);
}

void RequestHandler::cancel_task(TaskId id, const std::string& by) {
  // Its attempt goes on for the others whose work it does.
  if (endings_.cancel_part(id)) return;
  // Its end is an event when its tree is gone, not now.
  if (Attempt* const live = live_.find(id)) return live_.stop(*live, Outcome::cancelled);
  const TaskState state = turn_.record_of(id).state;
  if (state != TaskState::waiting && state != TaskState::reviewing &&
      state != TaskState::committing)
    return;
  committer_.drop_changes(id);
  // Of what waits nothing has to be ended first.
  turn_.record(TaskCancelled{id, by});
}

void RequestHandler::cancel_run(const std::string& by) {
  // Asked twice, it is cancelled once.
  if (turn_.run().is_stopped_for(RunStopping::Cause::cancelled)) return;
  turn_.record(RunStopping{fmt::format("cancelled by {}", by), RunStopping::Cause::cancelled});
  // All of them, so that it is over as soon as what runs has ended.
  for (std::uint32_t i = 0; i < turn_.plan.tasks.size(); ++i) cancel_task(TaskId(i), by);
}

void RequestHandler::revive(TaskId id) {
  const TaskState state = turn_.record_of(id).state;
  if (state != TaskState::failed && state != TaskState::cancelled && state != TaskState::skipped)
    return;
  if (turn_.record_of(id).is_unneeded()) return;  // It would be found so again.
  if (turn_.task(id).try_of) return;              // Its task may be asked for again.
  turn_.record(TaskRevived{id});
  revive_tries(id);
  // Plan order puts what was skipped behind what it was skipped for, so one pass finds chains too.
  for (std::uint32_t i = id.index() + 1; i < turn_.plan.tasks.size(); ++i) {
    // Only what hung on it: what failed by itself is asked for by itself.
    const TaskRecord& one = turn_.run().tasks[i];
    const auto waits = [this](TaskId other) {
      return turn_.record_of(other).state == TaskState::waiting;
    };
    const bool is_open = one.is_unneeded() && one.unneeded != kNoSuchItem &&
                         (std::ranges::any_of(turn_.task(TaskId(i)).needs, waits) ||
                          std::ranges::any_of(turn_.task(TaskId(i)).after, waits));
    if (is_open || (one.state == TaskState::skipped && one.because && waits(*one.because))) {
      turn_.record(TaskRevived{TaskId(i)});
    }
  }
}

/// Of a task that has not begun, its tries are to be made again, and judged.
void RequestHandler::revive_tries(TaskId id) {
  const TaskRecord& record = turn_.record_of(id);
  if (!record.attempts.empty() || record.picked) return;
  std::vector<TaskId> again = turn_.task(id).tries;
  if (turn_.task(id).judge) again.push_back(*turn_.task(id).judge);
  for (const TaskId one : again) {
    const TaskState state = turn_.record_of(one).state;
    if (state == TaskState::failed || state == TaskState::skipped || state == TaskState::cancelled)
      turn_.record(TaskRevived{one});
  }
}

void RequestHandler::interrupt() {
  // The second one takes no grace, and leaves to `resume` what takes long.
  ++turn_.interrupts;
  if (turn_.interrupts == 1)
    turn_.record(RunStopping{"interrupted", RunStopping::Cause::interrupted});
  // By `ends_by_signal` it is known later that nobody cancelled any of them.
  for (auto& [id, live] : live_) live_.stop(live, Outcome::cancelled);
}

}  // namespace interlock::engine
