#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/text.h"
#include "engine/engine.h"

// Model calls: counted, held against budgets, and what follows when one may not be made.
namespace interlock::engine {

namespace {

/// A resume that fails may have counted nothing, so that less than before may be told.
Usage beyond(const Usage& reported, const Usage& before) {
  Usage rest = reported - before;
  for (auto* part : {&rest.input, &rest.output, &rest.cache_read, &rest.cache_write, &rest.cost}) {
    if (*part) *part = std::max<std::int64_t>(0, **part);
  }
  return rest;
}

/// What clients counted in earlier attempts of a session: some count on from its beginning.
Usage counted_before(const TaskRecord& record, const std::string& session) {
  Usage sum = no_usage();
  for (const AttemptRecord& attempt : record.attempts) {
    if (attempt.ended && attempt.session == session && attempt.usage_from.starts_with("client"))
      sum = sum + attempt.usage;
  }
  return sum;
}

}  // namespace

/// The gateway counts on from what the journal knows.
void Engine::set_gateway_budget() {
  const Budgets& budgets = batch_.budgets();
  ports_.gateway.set_budget(budgets.tokens_left(setup_), budgets.usd_left(setup_));
}

void Engine::take_calls() {
  // Asked for first: who waits no more by then has told why.
  std::vector<Gateway::Waiting> waiting = ports_.gateway.waiting();
  note_calls(ports_.gateway.take_calls());
  note_waiting_calls(std::move(waiting));
}

/// Becomes an event, so that who looks from outside the dispatcher is told as well.
void Engine::note_waiting_calls(std::vector<Gateway::Waiting> all) {
  std::map<AttemptName, Gateway::Waiting> waiting;
  for (Gateway::Waiting& one : all) waiting.emplace(one.name, std::move(one));
  for (auto& [id, live] : live_) {
    const AttemptRecord& attempt = record(id).attempts.back();
    const auto found = waiting.find(live.name());
    CallWaiting event{id, live.name().attempt, {}, {}};
    if (found != waiting.end() && live.name().phase == 0) {
      event.on = found->second.on;
      event.until = found->second.until;
    }
    const bool waits = found != waiting.end() && found->second.at_limit;
    if (std::exchange(live.agent.waits_at_limit, waits) && !waits)
      live.agent.waited_at_limit_until = now();
    if (event.on == attempt.call_waits_on && event.until == attempt.call_waits_until) continue;
    batch_.record(std::move(event));
  }
}

void Engine::note_calls(std::vector<ModelCall> calls) {
  for (ModelCall& call : calls) {
    const auto live = live_.find(call.name.task);
    if (live == live_.end() || live->second.name().attempt != call.name.attempt) continue;
    const TaskId id = call.name.task;
    const CallEnd end = call.end;
    const auto failure = call.failure;
    std::string detail = call.parked ? say_parked(id) : call.detail;
    if (!call.remark.empty()) live->second.work.remarks.push_back(call.remark);
    batch_.record(ModelCalled{id, call.name.attempt, std::move(call)});
    if (end == CallEnd::over_budget) return_to_limit(live->second, Outcome::over_budget, detail);
    if (end == CallEnd::quota_spent) return_to_limit(live->second, Outcome::quota_spent, detail);
    if (end == CallEnd::not_recorded) return_to_limit(live->second, Outcome::bad_request, detail);
    // A brake ends it with what it saw; where that was good, going on was what is wrong.
    if (end == CallEnd::runaway)
      return_to_limit(live->second, failure ? outcome_of(*failure) : Outcome::runaway, detail);
  }
}

/// The next call may not be made, so going on makes no sense.
void Engine::return_to_limit(Attempt& live, Outcome why, const std::string& detail) {
  if (!live.stopped_for()) stop(live, why, detail);
}

/// What there is to say of who is stopped before its next call, because the run's limit leaves no
/// room for it.
std::string Engine::say_parked(TaskId id) const {
  const bool records = setup_.around.records_calls;
  return fmt::format("parked at the run's limit of {}; {} with `{}`", limit_text(setup_),
                     can_resume(id) ? "goes on in its session"
                     : records      ? "starts anew, with the answers it has paid for,"
                                    : "starts anew",
                     resume_with_more(setup_, plan_, run()));
}

/// No more is started; who still works may come to its end.
void Engine::reach_limit(const std::string& why) {
  if (!run().is_held()) batch_.record(RunStopping{why, RunStopping::Cause::limit});
}

/// For agents whose calls do not pass the gateway, the books are balanced when they end.
void Engine::check_limits() {
  if (const auto passed = batch_.budgets().passed(setup_)) reach_limit(*passed);
}

void Engine::close_route(Attempt& live) {
  if (!live.agent.has_route) return;
  live.agent.has_route = false;
  for (const std::string& host : ports_.gateway.refused_hosts(live.name()))
    live.work.remarks.push_back(fmt::format("kept from connecting to `{}`", printable(host)));
  for (const std::string& host : ports_.gateway.visited_hosts(live.name()))
    live.work.remarks.push_back(fmt::format("connected to {}", printable(host)));
  note_calls(ports_.gateway.close(live.name()));
}

/// What the attempt used, and who says so: the gateway, where all calls went through it, else the
/// client.
void Engine::note_usage(const Attempt& live, AttemptEnded& event) const {
  const AttemptRecord& attempt = record(event.task).attempts.back();
  const bool metered = attempt.calls + attempt.calls_refused > 0;
  if (metered) {
    event.usage = attempt.called;
    event.usage_from = "gateway";
    note_tax(event, attempt);
  } else if (live.agent.adapter && live.agent.transcript.counted) {
    event.usage = live.agent.transcript.reported;
    if (live.agent.resumed && live.agent.adapter->counts_over_sessions())
      event.usage =
          beyond(live.agent.transcript.reported,
                 counted_before(record(event.task), live.agent.transcript.started.session));
    // Sub-agents, hidden calls and calls that broke are not in it where it does not say so.
    event.usage_from = live.agent.transcript.parsed_whole ? "client" : "client, in part";
  } else if (live.agent.through_gateway && live.agent.adapter) {
    event.usage = no_usage();  // Not one call came through.
    event.usage_from = "gateway";
  } else if (live.agent.adapter && live.agent.adapter->kind() != plan::AgentKind::command &&
             (live.work.exited.exit_code || live.work.exited.signal)) {
    event.usage_from = "client, in part";  // It asked a model, and what that took nobody told.
  }
  if (!metered || !live.agent.transcript.counted || !live.agent.transcript.parsed_whole ||
      live.agent.resumed)
    return;
  const auto theirs = total_tokens(live.agent.transcript.reported);
  const auto ours = total_tokens(attempt.called);
  if (theirs && ours && *theirs != *ours && attempt.calls_replayed == 0) {
    event.remarks.push_back(fmt::format("the client counted {} tokens, the gateway {}",
                                        show_count(*theirs), show_count(*ours)));
  }
}

/// What came before its own prompt in the first call, and what its last answer took: the price of
/// having handed the task out at all.
void Engine::note_tax(AttemptEnded& event, const AttemptRecord& attempt) const {
  event.return_tokens = attempt.last_output;
  if (!attempt.first_input || attempt.first_bytes == 0) return;
  const std::size_t own = std::min(task(event.task).prompt.size(), attempt.first_bytes);
  const double share = static_cast<double>(own) / static_cast<double>(attempt.first_bytes);
  event.spawn_tokens =
      *attempt.first_input - static_cast<Tokens>(share * static_cast<double>(*attempt.first_input));
}

}  // namespace interlock::engine
