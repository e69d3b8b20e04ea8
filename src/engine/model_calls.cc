#include "engine/model_calls.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "engine/view_of.h"

namespace interlock::engine {

/// The gateway counts on from what the journal knows.
void ModelCalls::set_gateway_budget() {
  const Budgets& budgets = turn_.batch.budgets();
  turn_.ports.gateway.set_budget(budgets.tokens_left(turn_.setup), budgets.usd_left(turn_.setup));
}

void ModelCalls::take() {
  // Asked for first: who waits no more by then has told why.
  std::vector<Gateway::Waiting> waiting = turn_.ports.gateway.waiting();
  note(turn_.ports.gateway.take_calls());
  note_waiting(std::move(waiting));
}

/// Becomes an event, so that who looks from outside the dispatcher is told as well.
void ModelCalls::note_waiting(std::vector<Gateway::Waiting> all) {
  std::map<AttemptName, Gateway::Waiting> waiting;
  for (Gateway::Waiting& one : all) waiting.emplace(one.name, std::move(one));
  for (auto& [id, live] : live_) {
    const AttemptRecord& attempt = turn_.record_of(id).attempts.back();
    const auto found = waiting.find(live.name());
    CallWaiting event{id, live.name().attempt, {}, {}};
    if (found != waiting.end() && live.name().phase == 0) {
      event.on = found->second.on;
      event.until = found->second.until;
    }
    // Its clocks stand still while the run's limit holds it: see `Attempt`.
    const bool waits = found != waiting.end() && found->second.at_limit;
    if (std::exchange(live.agent.waits_at_limit, waits) && !waits)
      live.agent.waited_at_limit_until = turn_.now();
    if (event.on == attempt.call_waits_on && event.until == attempt.call_waits_until) continue;
    turn_.record(std::move(event));
  }
}

void ModelCalls::note(std::vector<ModelCall> calls) {
  for (ModelCall& call : calls) {
    // A check's name differs from that of the work whose calls these are.
    Attempt* const live = live_.find(call.name.task);
    if (live == nullptr || live->name().attempt != call.name.attempt) continue;
    const TaskId id = call.name.task;
    const CallEnd end = call.end;
    const auto failure = call.failure;
    std::string detail = call.parked ? say_parked(id) : call.detail;
    for (const std::string& said : {call.remark, call.warning}) {
      if (!said.empty()) live->work.remarks.push_back(said);
    }
    turn_.record(ModelCalled{id, call.name.attempt, std::move(call)});
    if (end == CallEnd::over_budget) stop_at_limit(*live, Outcome::over_budget, detail);
    if (end == CallEnd::quota_spent) stop_at_limit(*live, Outcome::quota_spent, detail);
    if (end == CallEnd::not_recorded) stop_at_limit(*live, Outcome::bad_request, detail);
    // A brake ends it with what it saw; where that was good, going on was what is wrong.
    if (end == CallEnd::runaway)
      stop_at_limit(*live, failure ? outcome_of(*failure) : Outcome::runaway, detail);
  }
}

/// The next call may not be made, so going on makes no sense.
void ModelCalls::stop_at_limit(Attempt& live, Outcome why, const std::string& detail) {
  if (!live.stopped_for()) live_.stop(live, why, detail);
}

/// What there is to say of who is stopped before its next call, because the run's limit leaves no
/// room for it.
std::string ModelCalls::say_parked(TaskId id) const {
  const bool records = turn_.setup.around.records_calls;
  return fmt::format("parked at the run's limit of {}; {} with `{}`", limit_text(turn_.setup),
                     turn_.can_resume(id) ? "goes on in its session"
                     : records            ? "starts anew, with the answers it has paid for,"
                                          : "starts anew",
                     resume_with_more(turn_.setup, turn_.plan, turn_.run()));
}

void ModelCalls::reach_limit(const std::string& why) {
  if (!turn_.run().is_held()) turn_.record(RunStopping{why, RunStopping::Cause::limit});
}

void ModelCalls::check_limits() {
  if (const auto passed = turn_.batch.budgets().passed(turn_.setup)) reach_limit(*passed);
}

}  // namespace interlock::engine
