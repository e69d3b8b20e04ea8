#include "metering/answer.h"
#include "metering/reported_error.h"
#include "metering/stop.h"

// OpenAI Responses: the last event carries the whole response once more, with its usage.
// `input_tokens` is with what the cache had and with what was written to it.
namespace interlock::metering {
namespace {

void take_usage(Usage& usage, const Glance& reported) {
  if (!reported.is_object()) return;
  const Glance details = reported["input_tokens_details"];
  std::optional<Tokens> all;
  take_count(all, reported["input_tokens"]);
  take_count(usage.output, reported["output_tokens"]);
  if (!all) return;
  usage.cache_read = usage.cache_write = 0;
  take_count(usage.cache_read, details["cached_tokens"]);
  take_count(usage.cache_write, details["cache_write_tokens"]);
  const Tokens rest = *all - *usage.cache_read - *usage.cache_write;
  // Parts that are more than the whole: which of the numbers is wrong, nobody knows.
  usage.input = rest >= 0 ? std::optional(rest) : std::nullopt;
}

/// A refusal is a part of a message, and the response is `completed` all the same.
void take_refusals(Answered& answered, const Glance& output) {
  output.each_item([&](Glance item) {
    item["content"].each_item([&](Glance part) {
      if (part["type"].text_or_empty() == "refusal") take_decline(answered, "refusal");
    });
  });
}

void take_response(Answered& answered, const Glance& response) {
  take_model(answered, response["model"]);
  take_usage(answered.usage, response["usage"]);
  const std::string status = response["status"].text_or_empty();
  if (status == "failed" || response["error"].is_object())
    answered.refusal = refusal_of(0, read_error(response["error"]));
  // Queued or in progress: not its end.
  if (status.empty() || status == "queued" || status == "in_progress") return;
  answered.complete = true;
  const Glance reason = response["incomplete_details"]["reason"];
  take_stop(answered, Api::openai_responses, reason.is_string() ? reason.text_or_empty() : status);
  take_refusals(answered, response["output"]);
}

bool is_about_the_whole(std::string_view name) {
  return name == "response.created" || name == "response.completed" ||
         name == "response.incomplete" || name == "response.failed" || name == "error";
}

/// An error of its own, flat or with an `error` inside.
void take_error(Answered& answered, const Glance& event) {
  const Glance inside = event["error"];
  ReportedError error = read_error(inside.is_object() ? inside : event);
  if (error.type == "error") error.type.clear();
  answered.refusal = refusal_of(0, error);
}

}  // namespace

void take_responses_event(Answered& answered, std::string_view name, std::string_view data) {
  if (!name.empty() && !is_about_the_whole(name)) {
    const bool is_news = name == "response.in_progress" || name == "response.queued";
    if (!is_news && name.starts_with("response.")) answered.began = true;
    if (name.starts_with("response.refusal.")) take_decline(answered, "refusal");
    return;
  }
  const auto event = Glance::of(data);
  if (!event) return;
  if (name.empty()) {
    // The event says its name itself; known from here on, it never is empty again.
    const std::string type = (*event)["type"].text_or_empty();
    if (!type.empty()) take_responses_event(answered, type, data);
    return;
  }
  if (name == "error") return take_error(answered, *event);
  if (name != "response.created" && name != "response.failed") answered.began = true;
  take_response(answered, (*event)["response"]);
}

void take_responses_body(Answered& answered, const Glance& body) {
  take_response(answered, body);
  if (answered.refusal) return;
  answered.began = true;
  // A compaction has no status: it is there, with its usage, or it is not.
  if (body["status"].is_there()) return;
  answered.complete = body["usage"].is_object();
  if (answered.complete) take_stop(answered, Api::openai_responses, "completed");
}

}  // namespace interlock::metering
