#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/text.h"
#include "engine/engine.h"

// Model calls: counted, held against budgets, and what follows when one may not be made.
namespace interlock::engine {

namespace {

/// What is left of a limit; nothing: there is none. Of what is used, what is known counts.
std::optional<std::int64_t> left_of(const std::optional<std::int64_t>& limit, std::int64_t used) {
  if (!limit) return {};
  return std::max<std::int64_t>(0, *limit - used);
}

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

Spent spent_by(const TaskRecord& record) {
  Spent spent;
  for (const AttemptRecord& attempt : record.attempts) {
    const Usage& usage = attempt.known;
    for (const auto& part : {usage.input, usage.output, usage.cache_read, usage.cache_write})
      spent.tokens += part.value_or(0);
    spent.usd += usage.cost.value_or(0);
  }
  return spent;
}

Spent spent_by(const RunState& run) {
  Spent spent;
  for (const TaskRecord& task : run.tasks) {
    const Spent one = spent_by(task);
    spent.tokens += one.tokens;
    spent.usd += one.usd;
  }
  return spent;
}

Completeness completeness_of(const plan::Plan& plan, TaskId task, const AttemptRecord& attempt) {
  const plan::Agent& agent = plan.agents[plan[task].agent.index()];
  // A mapped command may be no agent at all: it is one where it told something of models.
  const bool is_client =
      agent.kind != plan::AgentKind::command && agents::adapter_for(agent) != nullptr;
  const bool was_started = attempt.process.has_value() || attempt.ended.has_value();
  Completeness it;
  it.asked = attempt.calls + attempt.calls_refused > 0 || !attempt.usage_from.empty() ||
             (is_client && !attempt.ended && was_started);
  if (!it.asked) return it;
  const bool is_over = attempt.ended.has_value() && attempt.usage_from != "client, in part";
  it.tokens = is_over && total_tokens(attempt.usage).has_value();
  it.cost = is_over && attempt.usage.cost.has_value();
  return it;
}

std::string resume_with_more(const Setup& setup, const plan::Plan& plan, const RunState& run) {
  // What is expected of those that are not over; where that is unknown, as much as before.
  const auto raised = [](std::int64_t limit, std::int64_t wanted) {
    constexpr std::int64_t kStep = 1000;
    return (std::max(limit + limit / 5, wanted) + kStep - 1) / kStep * kStep;
  };
  std::optional<Tokens> more = 0;
  for (std::uint32_t i = 0; i < plan.tasks.size() && more; ++i) {
    const TaskRecord& task = run[TaskId(i)];
    if (task.state >= TaskState::done) continue;
    const auto& expected = setup.around.expected_tokens;
    if (expected.empty() || !expected[i]) {
      more.reset();
    } else {
      *more += std::max<Tokens>(0, *expected[i] - spent_by(task).tokens);
    }
  }
  const Spent spent = spent_by(run);
  std::string text = fmt::format("interlock resume {}", setup.run);
  if (setup.limit_tokens) {
    const Tokens wanted = more ? spent.tokens + *more : 2 * *setup.limit_tokens;
    text += fmt::format(" --tokens {}", raised(*setup.limit_tokens, wanted));
  } else if (setup.limit_usd) {
    text += fmt::format(" --usd {:.2f}", static_cast<double>(2 * *setup.limit_usd) / 1e6);
  }
  return text;
}

/// The gateway counts on from what the journal knows.
void Engine::set_gateway_budget() {
  const Spent spent = spent_by(run());
  ports_.gateway.set_budget(left_of(setup_.limit_tokens, spent.tokens),
                            left_of(setup_.limit_usd, spent.usd));
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
    const auto found = waiting.find(live.name);
    CallWaiting event{id, live.name.attempt, {}, {}};
    if (found != waiting.end() && live.name.phase == 0) {
      event.on = found->second.on;
      event.until = found->second.until;
    }
    const bool waits = found != waiting.end() && found->second.at_limit;
    if (std::exchange(live.waits_at_limit, waits) && !waits) live.waited_at_limit_until = now();
    if (event.on == attempt.call_waits_on && event.until == attempt.call_waits_until) continue;
    batch_.record(std::move(event));
  }
}

void Engine::note_calls(std::vector<ModelCall> calls) {
  for (ModelCall& call : calls) {
    const auto live = live_.find(call.name.task);
    if (live == live_.end() || live->second.name.attempt != call.name.attempt) continue;
    const TaskId id = call.name.task;
    const CallEnd end = call.end;
    const auto failure = call.failure;
    std::string detail = call.parked ? say_parked(id) : call.detail;
    if (!call.remark.empty()) live->second.remarks.push_back(call.remark);
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
void Engine::return_to_limit(Live& live, Outcome why, const std::string& detail) {
  if (live.stopped_for) return;
  live.stop_detail = detail;
  stop(live, why);
}

/// What there is to say of who is stopped before its next call, because the run's limit leaves no
/// room for it.
std::string Engine::say_parked(TaskId id) const {
  const std::string limit = setup_.limit_tokens
                                ? fmt::format("{} tokens", show_count(*setup_.limit_tokens))
                                : show_usd(setup_.limit_usd.value_or(0));
  const bool records = setup_.around.records_calls;
  return fmt::format("parked at the run's limit of {}; {} with `{}`", limit,
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
  const Spent spent = spent_by(run());
  if (setup_.limit_tokens && spent.tokens > *setup_.limit_tokens) {
    reach_limit(fmt::format("{} tokens are used, more than the {} of `limits.tokens`",
                            show_count(spent.tokens), show_count(*setup_.limit_tokens)));
  } else if (setup_.limit_usd && spent.usd > *setup_.limit_usd) {
    reach_limit(fmt::format("{} are spent, more than the {} of `limits.usd`", show_usd(spent.usd),
                            show_usd(*setup_.limit_usd)));
  }
}

void Engine::close_route(Live& live) {
  if (!live.has_route) return;
  live.has_route = false;
  for (const std::string& host : ports_.gateway.refused_hosts(live.name))
    live.remarks.push_back(fmt::format("kept from connecting to `{}`", printable(host)));
  note_calls(ports_.gateway.close(live.name));
}

/// What the attempt used, and who says so: the gateway, where all calls went through it, else the
/// client.
void Engine::note_usage(const Live& live, AttemptEnded& event) const {
  const AttemptRecord& attempt = record(event.task).attempts.back();
  const bool metered = attempt.calls + attempt.calls_refused > 0;
  if (metered) {
    event.usage = attempt.called;
    event.usage_from = "gateway";
    note_tax(event, attempt);
  } else if (live.adapter && live.transcript.counted) {
    event.usage = live.transcript.reported;
    if (live.resumed && live.adapter->counts_over_sessions())
      event.usage = beyond(live.transcript.reported,
                           counted_before(record(event.task), live.transcript.started.session));
    // Sub-agents, hidden calls and calls that broke are not in it where it does not say so.
    event.usage_from = live.transcript.parsed_whole ? "client" : "client, in part";
  } else if (live.through_gateway && live.adapter) {
    event.usage = no_usage();  // Not one call came through.
    event.usage_from = "gateway";
  } else if (live.adapter && live.adapter->kind() != plan::AgentKind::command &&
             (live.exited.exit_code || live.exited.signal)) {
    event.usage_from = "client, in part";  // It asked a model, and what that took nobody told.
  }
  if (!metered || !live.transcript.counted || !live.transcript.parsed_whole || live.resumed) return;
  const auto theirs = total_tokens(live.transcript.reported);
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
