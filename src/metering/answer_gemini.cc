#include "metering/answer.h"
#include "metering/told.h"

// Gemini: every event may carry `usageMetadata`, counted from the start. `promptTokenCount` is with
// what the cache had; thoughts are told apart from candidates, and are output as well; what tools
// brought is input.
namespace interlock::metering {
namespace {

void take_usage(Usage& usage, const Glance& told) {
  if (!told.is_object()) return;
  std::optional<Tokens> prompt, cached(0), tools(0), candidates(0), thoughts(0);
  take_count(prompt, told["promptTokenCount"]);
  take_count(cached, told["cachedContentTokenCount"]);
  take_count(tools, told["toolUsePromptTokenCount"]);
  take_count(candidates, told["candidatesTokenCount"]);
  take_count(thoughts, told["thoughtsTokenCount"]);
  // What is 0 is left out, so an output that is not told is none.
  usage.output = *candidates + *thoughts;
  if (!prompt) return;
  usage.cache_read = cached;
  usage.cache_write = 0;
  const Tokens rest = *prompt + *tools - *cached;
  usage.input = rest >= 0 ? std::optional(rest) : std::nullopt;
}

void take_finish(Answered& answered, const std::string& reason) {
  answered.finish = reason;
  answered.cut = reason == "MAX_TOKENS";
  answered.complete = true;
}

}  // namespace

void take_gemini_event(Answered& answered, std::string_view, std::string_view data) {
  if (const auto event = Glance::of(data)) take_gemini_body(answered, *event);
}

void take_gemini_body(Answered& answered, const Glance& body) {
  if (body["error"].is_object()) {
    answered.refusal = refusal_of(0, read_error(body["error"]));
    return;
  }
  // Code Assist wraps it.
  const Glance inner = body["response"];
  if (inner.is_object() && !body["candidates"].is_there()) return take_gemini_body(answered, inner);
  take_model(answered, body["modelVersion"]);
  take_usage(answered.usage, body["usageMetadata"]);
  body["candidates"].each_item([&](Glance candidate) {
    answered.began = true;
    const Glance reason = candidate["finishReason"];
    if (reason.is_string()) take_finish(answered, reason.text_or_empty());
  });
  // A prompt that was blocked has no candidates, and ends so.
  const Glance blocked = body["promptFeedback"]["blockReason"];
  if (blocked.is_string()) take_finish(answered, blocked.text_or_empty());
}

}  // namespace interlock::metering
