#include "metering/answer.h"
#include "metering/reported_error.h"
#include "metering/stop.h"

// Gemini: every event may carry `usageMetadata`, counted from the start. `promptTokenCount` is with
// what the cache had; thoughts are told apart from candidates, and are output as well; what tools
// brought is input.
namespace interlock::metering {
namespace {

void take_usage(Usage& usage, const Glance& reported) {
  if (!reported.is_object()) return;
  std::optional<Tokens> prompt, cached(0), tools(0), candidates(0), thoughts(0);
  reported.each_member([&](std::string_view key, Glance value) {
    if (key == "promptTokenCount") take_count(prompt, value);
    if (key == "cachedContentTokenCount") take_count(cached, value);
    if (key == "toolUsePromptTokenCount") take_count(tools, value);
    if (key == "candidatesTokenCount") take_count(candidates, value);
    if (key == "thoughtsTokenCount") take_count(thoughts, value);
  });
  // What is 0 is left out, so an output that is not told is none.
  usage.output = *candidates + *thoughts;
  if (!prompt) return;
  usage.cache_read = cached;
  usage.cache_write = 0;
  const Tokens rest = *prompt + *tools - *cached;
  usage.input = rest >= 0 ? std::optional(rest) : std::nullopt;
}

void take_finish(Answered& answered, const std::string& reason) {
  // The default of its kind, which says nothing.
  if (reason == "FINISH_REASON_UNSPECIFIED") return;
  take_stop(answered, Api::gemini, reason);
  answered.complete = true;
}

}  // namespace

void take_gemini_event(Answered& answered, std::string_view, std::string_view data) {
  if (const auto event = Glance::of(data)) take_gemini_body(answered, *event);
}

void take_gemini_body(Answered& answered, const Glance& body) {
  // Every event is looked at, for each may be the last that tells: in one pass.
  Glance error, response, candidates, feedback;
  body.each_member([&](std::string_view key, Glance value) {
    if (key == "error") error = value;
    if (key == "response") response = value;
    if (key == "candidates") candidates = value;
    if (key == "promptFeedback") feedback = value;
    if (key == "modelVersion") take_model(answered, value);
    if (key == "usageMetadata") take_usage(answered.usage, value);
  });
  if (error.is_object()) {
    answered.refusal = refusal_of(0, read_error(error));
    return;
  }
  // Code Assist wraps it.
  if (response.is_object() && !candidates.is_there()) return take_gemini_body(answered, response);
  candidates.each_item([&](Glance candidate) {
    answered.began = true;
    const Glance reason = candidate["finishReason"];
    if (reason.is_string()) take_finish(answered, reason.text_or_empty());
  });
  // A prompt that was blocked has no candidates, and ends so.
  const Glance blocked = feedback["blockReason"];
  if (!blocked.is_string()) return;
  take_decline(answered, blocked.text_or_empty());
  answered.complete = true;
}

}  // namespace interlock::metering
