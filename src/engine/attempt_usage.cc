#include "engine/attempt_usage.h"

#include <fmt/format.h>

#include <algorithm>

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

/// What came before its own prompt in the first call, and what its last answer took: the price of
/// having handed the task out at all.
void note_spawn_cost(const plan::Plan& plan, const AttemptRecord& attempt, AttemptEnded& event) {
  event.return_tokens = attempt.last_output;
  if (!attempt.first_input || attempt.first_bytes == 0) return;
  const std::size_t own = std::min(plan[event.task].prompt.size(), attempt.first_bytes);
  const double share = static_cast<double>(own) / static_cast<double>(attempt.first_bytes);
  event.spawn_tokens =
      *attempt.first_input - static_cast<Tokens>(share * static_cast<double>(*attempt.first_input));
}

}  // namespace

void note_usage(const plan::Plan& plan, const RunState& run, const Attempt& live,
                AttemptEnded& event) {
  const AttemptRecord& attempt = run[event.task].attempts.back();
  const bool metered = attempt.calls + attempt.calls_refused > 0;
  if (metered) {
    event.usage = attempt.called;
    event.usage_from = "gateway";
    note_spawn_cost(plan, attempt, event);
  } else if (live.agent.adapter && live.agent.transcript.counted) {
    event.usage = live.agent.transcript.reported;
    if (live.agent.resumed && live.agent.adapter->counts_over_sessions())
      event.usage = beyond(live.agent.transcript.reported,
                           counted_before(run[event.task], live.agent.transcript.started.session));
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

}  // namespace interlock::engine
