#include "metering/answer.h"
#include "metering/reported_error.h"
#include "metering/stop.h"

// OpenAI Chat Completions, and the many that speak it. `prompt_tokens` is with what the cache had
// and, on models where writing is told, with what was written. A stream is whole when its `[DONE]`
// has come: a finish reason without it is one that may have lost what came after.
namespace interlock::metering {
namespace {

void take_usage(Usage& usage, const Glance& reported) {
  if (!reported.is_object()) return;
  const Glance details = reported["prompt_tokens_details"];
  std::optional<Tokens> all;
  take_count(all, reported["prompt_tokens"]);
  take_count(usage.output, reported["completion_tokens"]);
  if (!all) return;
  usage.cache_read = usage.cache_write = 0;
  take_count(usage.cache_read, details["cached_tokens"]);
  take_count(usage.cache_write, details["cache_write_tokens"]);
  const Tokens rest = *all - *usage.cache_read - *usage.cache_write;
  // Parts that are more than the whole: which of the numbers is wrong, nobody knows.
  usage.input = rest >= 0 ? std::optional(rest) : std::nullopt;
}

/// A model that will not says so in a member of its own, and ends with `stop`.
void take_refusal(Answered& answered, const Glance& said) {
  if (!said["refusal"].text_or_empty().empty()) take_decline(answered, "refusal");
}

void take_choices(Answered& answered, const Glance& choices) {
  choices.each_item([&](Glance choice) {
    answered.began = true;
    take_refusal(answered, choice["delta"]);
    take_refusal(answered, choice["message"]);
    const Glance reason = choice["finish_reason"];
    if (reason.is_string()) take_stop(answered, Api::openai_chat, reason.text_or_empty());
  });
}

void take_chunk(Answered& answered, const Glance& chunk) {
  const Glance error = chunk["error"];
  if (error.is_object() || error.is_string()) {
    answered.refusal = refusal_of(0, read_error(error));
    return;
  }
  take_model(answered, chunk["model"]);
  take_usage(answered.usage, chunk["usage"]);
  take_choices(answered, chunk["choices"]);
}

}  // namespace

void take_chat_event(Answered& answered, std::string_view, std::string_view data) {
  if (data == "[DONE]") {
    answered.complete = true;
    return;
  }
  const bool may_matter = !answered.began || answered.model.empty() ||
                          has_value(data, "\"finish_reason\"") || has_value(data, "\"usage\"") ||
                          has_value(data, "\"error\"") || has_value(data, "\"refusal\"");
  if (!may_matter) return;
  if (const auto chunk = Glance::of(data)) take_chunk(answered, *chunk);
}

void take_chat_body(Answered& answered, const Glance& body) {
  take_chunk(answered, body);
  answered.complete = answered.stop != Stop::unsaid;
}

}  // namespace interlock::metering
