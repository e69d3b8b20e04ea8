#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <set>

#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// Claude Code's `--output-format stream-json`.
//
// A run can hold several `result` lines: sub-agents in the background each bring one when they end.
// Only the last is the answer. `subtype` is `success` for API errors too, and `type` need not be
// the first key.
namespace interlock::agents {

namespace {

std::optional<Failure> failure_of_reason(std::string_view reason) {
  if (reason == "prompt_too_long") return Failure::too_long;
  if (reason.starts_with("aborted")) return Failure::aborted;
  if (reason == "max_turns" || reason == "budget_exhausted") return Failure::limit_of_client;
  if (reason == "structured_output_retry_exhausted") return Failure::output_invalid;
  return {};
}

std::optional<Failure> failure_of_subtype(std::string_view subtype) {
  if (subtype == "error_max_turns" || subtype == "error_max_budget_usd")
    return Failure::limit_of_client;
  if (subtype == "error_max_structured_output_retries") return Failure::output_invalid;
  return {};
}

/// Why the model stopped, where that is no good end.
std::optional<Failure> failure_of_stop(std::string_view reason) {
  if (reason == "refusal") return Failure::refused;
  if (reason == "max_tokens") return Failure::cut_off;
  if (reason == "model_context_window_exceeded") return Failure::too_long;
  return {};
}

std::string message_of(const json::value& result) {
  if (const auto text = text_at(result, "result"); !text.empty()) return std::string(text);
  if (const auto text = text_at(result, "errors[0]"); !text.empty()) return std::string(text);
  return std::string(text_at(result, "subtype"));
}

std::optional<Failed> failed_in(const json::value& result) {
  const auto reason = failure_of_reason(text_at(result, "terminal_reason"));
  const auto stop = failure_of_stop(text_at(result, "stop_reason"));
  const auto subtype = text_at(result, "subtype");
  const bool is_error = true_at(result, "is_error") || subtype.starts_with("error");
  if (!is_error && !reason && !stop) return {};
  std::string message = message_of(result);
  auto failure = reason;
  if (!failure) failure = failure_of_subtype(subtype);
  if (!failure) failure = stop;
  if (!failure) {
    const auto status = count_at(result, "api_error_status");
    failure = status ? failure_of(static_cast<int>(*status), message) : failure_of(message);
  }
  return Failed{*failure, std::move(message)};
}

/// Everything since the session began, with sub-agents; `usage` would be the last turns' alone.
/// What a call that broke used is a guess.
std::optional<UsageReported> usage_in(const json::value& result) {
  const json::value* models = value_at(result, "modelUsage");
  if (!models || !models->is_object()) return {};
  Usage sum = no_usage();
  bool is_priced = true;
  for (const auto& [name, model] : models->get_object()) {
    sum = sum + Usage{count_at(model, "inputTokens"), count_at(model, "outputTokens"),
                      count_at(model, "cacheReadInputTokens"),
                      count_at(model, "cacheCreationInputTokens"), 0};
    is_priced = is_priced && text_at(model, "costBasis") != "unknown";
  }
  sum.cost = is_priced ? usd_at(result, "total_cost_usd") : std::nullopt;
  return UsageReported{sum, true, !true_at(result, "is_error")};
}

class ClaudeReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "assistant" || type == "user") return events_of_message(reported);
    if (type == "system") return system(reported);
    if (type == "result") return result(reported);
    if (type == "stream_event") return {};  // Pieces of what comes whole.
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return take_held(); }

 private:
  std::vector<Event> system(const json::value& reported) {
    const auto subtype = text_at(reported, "subtype");
    if (subtype == "init") {
      return {Started{std::string(text_at(reported, "session_id")),
                      std::string(text_at(reported, "model")),
                      std::string(text_at(reported, "claude_code_version"))}};
    }
    if (subtype == "api_retry") return {waits(reported)};
    if (subtype == "permission_denied") {
      ++denied_;
      return {ToolUsed{std::string(text_at(reported, "tool_name")),
                       one_line(text_at(reported, "message")), true}};
    }
    if (subtype == "background_tasks_changed") {
      note_tasks(reported);
      return {};
    }
    constexpr std::string_view kIdle[] = {
        "task_started",  "task_updated", "task_notification",
        "ui_invalidate", "status",       "model_refusal_no_fallback"};
    for (const std::string_view known : kIdle) {
      if (subtype == known) return {};
    }
    return {Unknown{fmt::format("system/{}", subtype)}};
  }

  static RateLimited waits(const json::value& reported) {
    const auto status = count_at(reported, "error_status");
    return {milliseconds_at(reported, "retry_delay_ms"),
            one_line(fmt::format("{} {}", status ? fmt::format("{}", *status) : "no answer",
                                 text_at(reported, "error")))};
  }

  void note_tasks(const json::value& reported) {
    const json::array* tasks = list_at(reported, "tasks");
    if (!tasks) return;
    for (const json::value& task : *tasks) {
      // A command in the background brings no result.
      const bool is_agent = text_at(task, "task_type") == "local_agent";
      if (const auto id = text_at(task, "run_id"); is_agent && !id.empty()) awaited_.emplace(id);
    }
  }

  std::vector<Event> result(const json::value& reported) {
    awaited_.erase(std::string(text_at(reported, "origin.runId")));
    std::vector<Event> events = denials_in(reported, denied_);
    denied_ += events.size();
    if (const auto usage = usage_in(reported)) events.push_back(*usage);
    // The line that a sub-agent's end brings before the agent has taken it up answers nothing.
    const bool is_empty =
        count_at(reported, "num_turns") == 0 && text_at(reported, "result").empty();
    if (!is_empty || !has_result_) hold(reported);
    has_result_ = true;
    if (awaited_.empty()) {
      for (Event& event : take_held()) events.push_back(std::move(event));
    }
    return events;
  }

  void hold(const json::value& reported) {
    if (auto failed = failed_in(reported)) {
      held_ = std::move(*failed);
      return;
    }
    Final final{std::string(text_at(reported, "result")), {}};
    if (const json::value* structured = value_at(reported, "structured_output"))
      final.structured = json::serialize(*structured);
    held_ = std::move(final);
  }

  std::vector<Event> take_held() {
    std::vector<Event> events;
    if (held_) events.push_back(std::move(*held_));
    held_.reset();
    return events;
  }

  std::set<std::string> awaited_;  ///< Sub-agents in the background whose own result is to come.
  std::optional<Event> held_;      ///< The last result, told when nothing is awaited any more.
  bool has_result_ = false;
  std::size_t denied_ = 0;
};

}  // namespace

std::unique_ptr<Reader> read_claude_code() { return std::make_unique<ClaudeReader>(); }

}  // namespace interlock::agents
