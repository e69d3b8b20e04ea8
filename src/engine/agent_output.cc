#include "engine/agent_output.h"

#include <fmt/format.h>

#include "agents/adapter.h"
#include "base/text.h"
#include "engine/retry.h"

// What agents tell while they work, and what it makes of how they ended.
namespace interlock::engine {

Outcome outcome_of(agents::Failure failure) {
  using agents::Failure;
  switch (failure) {
    case Failure::authentication: return Outcome::auth_failed;
    case Failure::rate_limited: return Outcome::rate_limited;
    case Failure::quota_spent: return Outcome::quota_spent;
    case Failure::api: return Outcome::api_failed;
    case Failure::bad_request:
    case Failure::no_session: return Outcome::bad_request;
    case Failure::too_long: return Outcome::too_long;
    case Failure::cut_off: return Outcome::cut_off;
    case Failure::refused: return Outcome::declined;
    case Failure::empty: return Outcome::output_missing;
    case Failure::output_invalid: return Outcome::output_invalid;
    case Failure::limit_of_client: return Outcome::client_limit;
    case Failure::no_final: return Outcome::no_final;
    case Failure::aborted:
    case Failure::other: return Outcome::exited_nonzero;
  }
  return Outcome::exited_nonzero;
}

namespace {

/// Bytes of what is shown of an agent's doing: a line of the panel holds no more.
constexpr std::size_t kDoingMax = 200;

/// The call that says the attempt's answer is none; null: there is no such call. A client's last
/// call is what it answers from, and so is the last of its main loop where it asks beside that (for
/// a title, who is to speak next), with no tools on offer. What it asked beside and left unread
/// counts for nothing.
const CallVerdict* bad_call_of(const AttemptRecord& attempt) {
  const CallVerdict& last = attempt.last_call;
  const CallVerdict& main = attempt.last_with_tools;
  const bool is_beside = main.number != 0 && main.number != last.number;
  const bool is_left_unread = last.failure == agents::Failure::aborted;
  if (last.failure && !(is_beside && is_left_unread)) return &last;
  return main.failure ? &main : nullptr;
}

/// What the gateway makes of an attempt; nothing: its client is to be believed.
std::optional<Judgement> judge_last_call(const AttemptRecord& attempt,
                                         const std::optional<agents::Failure>& reported) {
  const CallVerdict* const call = bad_call_of(attempt);
  if (call == nullptr) return {};
  if (*call->failure != agents::Failure::aborted)
    return Judgement{outcome_of(*call->failure), call->detail, {}};
  // It left its answer unread: why, it says itself, unless it claims to have had it whole.
  if (reported) return {};
  return Judgement{Outcome::cut_off, "it left its model's last answer before that was whole", {}};
}

/// The last line of what was said; of a message in pieces, of all that came so far.
std::string last_words(std::string_view words) {
  while (words.ends_with('\n')) words.remove_suffix(1);
  if (const auto newline = words.rfind('\n'); newline != words.npos)
    words.remove_prefix(newline + 1);
  return printable(words.substr(0, kDoingMax));
}

/// What an agent does, by its last event; empty: that tells nothing new, or `said` does.
std::string doing_in(const agents::Event& event) {
  if (const auto* tool = std::get_if<agents::ToolUsed>(&event))
    return printable(tool->detail.empty() ? tool->tool : tool->tool + ": " + tool->detail);
  if (const auto* limited = std::get_if<agents::RateLimited>(&event))
    return printable("waits: " + limited->detail);
  if (const auto* started = std::get_if<agents::Started>(&event))
    return printable(started->model.empty() ? "asks its model" : "asks " + started->model);
  return {};
}

}  // namespace

void AgentOutput::open_reader(Attempt& live) const {
  // Of the attempt, not of the task: after a failure it may be another model's.
  const plan::Agent& agent =
      turn_.plan.agents[task_of_attempt(turn_.plan, turn_.run(), live.task()).agent.index()];
  const bool mends_by_command =
      turn_.record_of(live.task()).attempts.back().because == AttemptStarted::Trigger::repair &&
      !turn_.task(live.task()).repair.empty();
  const agents::Adapter* adapter = agents::adapter_for(agent);
  if (adapter == nullptr || mends_by_command) return;
  live.agent.adapter = adapter;
  live.agent.reader = adapter->reader(agent);
}

/// Each line is let go of before the next, for one may be as long as an answer.
void AgentOutput::on_printed(Printed printed) {
  Attempt* const live = live_.find(printed.name);
  if (live == nullptr || !live->agent.reader) return;
  for (std::string& line : printed.lines)
    on_events(*live, live->agent.reader->take_line(std::move(line)));
}

void AgentOutput::on_events(Attempt& live, std::vector<agents::Event> events) {
  for (agents::Event& event : events) {
    // Some clients name their session only with a later event than their first.
    const bool knew = !live.agent.transcript.started.session.empty();
    const bool is_text = std::holds_alternative<agents::Text>(event);
    std::string doing = doing_in(event);
    if (const auto* started = std::get_if<agents::Started>(&event);
        started != nullptr &&
        (!live.agent.reported_session || (!knew && !started->session.empty()))) {
      live.agent.reported_session = true;
      turn_.record(SessionBegan{live.task(), live.name().attempt, started->session, started->model,
                                started->version});
    }
    live.agent.transcript.take(std::move(event));
    if (is_text) doing = last_words(live.agent.transcript.said);
    if (!doing.empty()) live.agent.doing = turn_.setup.secrets.apply(doing);
  }
}

Judgement AgentOutput::judge(Attempt& live, const Exited& exited, Judgement judgement) {
  on_events(live, live.agent.reader->end());
  live.agent.reader.reset();  // It may hold the answer as well.
  for (const std::string& remark : live.agent.transcript.remarks)
    live.work.remarks.push_back(remark);
  if (live.stopped_for()) {
    if (!live.stop_detail().empty()) judgement.detail = live.stop_detail();
    return judgement;
  }
  if (judgement.outcome == Outcome::setup_failed) return judgement;
  const agents::Ending ending =
      live.agent.released
          ? live.agent.adapter->ending(live.agent.transcript, {}, {})
          : live.agent.adapter->ending(live.agent.transcript, exited.exit_code, exited.signal);
  // What the gateway knows outranks what the client says, whichever of the two is worse.
  if (const auto judged =
          judge_last_call(turn_.record_of(live.task()).attempts.back(), ending.failure))
    return *judged;
  if (!ending.failure) return {};
  const bool said_enough =
      turn_.task(live.task()).output.form == plan::OutputSpec::Form::exit_status;
  if (*ending.failure == agents::Failure::empty && said_enough) return {};
  // A signal nobody here sent says more than what was missing because of it.
  const bool is_cut_short =
      *ending.failure == agents::Failure::no_final || *ending.failure == agents::Failure::aborted;
  if (is_cut_short && judgement.outcome == Outcome::crashed) return judgement;
  Judgement judged{outcome_of(*ending.failure), ending.detail, {}};
  if (judged.outcome == Outcome::output_invalid) judged.complaint = ending.detail;
  // What follows is decided elsewhere: it is begun anew, at no cost.
  live.agent.session_is_gone = *ending.failure == agents::Failure::no_session;
  return judged;
}

std::string AgentOutput::take_answer(Attempt& live, bool json) const {
  if (!live.agent.transcript.final) return {};
  agents::Final& final = *live.agent.transcript.final;
  // A client that was given the schema has an answer that keeps to it beside its words.
  if (json && final.structured) final.text = std::move(*final.structured);
  std::string text = std::exchange(final.text, {});
  turn_.setup.secrets.apply_to(text);
  return text;
}

}  // namespace interlock::engine
