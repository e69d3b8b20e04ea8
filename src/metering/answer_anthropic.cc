#include "metering/answer.h"
#include "metering/reported_error.h"
#include "metering/stop.h"

// Anthropic Messages: `message_start` has the input's numbers, `message_delta` the output's so far,
// and may repeat the input's: the last that is told counts. `input_tokens` is without the cache's.
namespace interlock::metering {
namespace {

void take_usage(Usage& usage, const Glance& reported) {
  take_count(usage.input, reported["input_tokens"]);
  take_count(usage.output, reported["output_tokens"]);
  take_count(usage.cache_read, reported["cache_read_input_tokens"]);
  take_count(usage.cache_write, reported["cache_creation_input_tokens"]);
  if (!usage.input) return;
  // Who tells the input and no cache has none.
  if (!usage.cache_read) usage.cache_read = 0;
  if (!usage.cache_write) usage.cache_write = 0;
}

void take_finish(Answered& answered, const Glance& reason) {
  if (!reason.is_string()) return;
  take_stop(answered, Api::anthropic, reason.text_or_empty());
}

void take_error(Answered& answered, const Glance& error) {
  answered.refusal = refusal_of(0, read_error(error));
}

void take_message(Answered& answered, const Glance& message) {
  take_model(answered, message["model"]);
  take_usage(answered.usage, message["usage"]);
  take_finish(answered, message["stop_reason"]);
}

}  // namespace

void take_anthropic_event(Answered& answered, std::string_view name, std::string_view data) {
  const bool is_piece = name == "content_block_delta" || name == "content_block_start" ||
                        name == "content_block_stop";
  if (is_piece) answered.began = true;
  if (is_piece || name == "ping") return;
  if (name == "message_stop") {
    answered.complete = true;
    return;
  }
  const auto event = Glance::of(data);
  if (!event) return;
  if (name.empty()) {
    // The event says its name itself; known from here on, it never is empty again.
    const std::string type = (*event)["type"].text_or_empty();
    if (!type.empty()) take_anthropic_event(answered, type, data);
    return;
  }
  if (name == "message_start") take_message(answered, (*event)["message"]);
  if (name == "message_delta") {
    answered.began = true;
    take_usage(answered.usage, (*event)["usage"]);
    take_finish(answered, (*event)["delta"]["stop_reason"]);
  }
  if (name == "error") take_error(answered, (*event)["error"]);
}

void take_anthropic_body(Answered& answered, const Glance& body) {
  if (body["error"].is_object()) return take_error(answered, body["error"]);
  take_message(answered, body);
  answered.began = true;
  answered.complete = answered.stop != Stop::unsaid || body["usage"].is_object();
}

}  // namespace interlock::metering
