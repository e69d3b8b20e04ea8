#include "chat/pieces.h"

#include "metering/glance.h"

namespace interlock::chat {

using metering::Glance;

std::string Pieces::take(std::string_view bytes) {
  std::string said;
  cutter_.take(bytes, [&](const metering::EventCutter::Piece& piece) {
    if (!piece.whole) return;
    const metering::ServerEvent event = metering::read_event(piece.bytes, scratch_);
    if (event.has_data) take_event(event.data, said);
  });
  return said;
}

void Pieces::take_event(std::string_view data, std::string& said) {
  switch (api_) {
    case metering::Api::anthropic: return take_anthropic(data, said);
    case metering::Api::openai_chat: return take_chat(data, said);
    case metering::Api::openai_responses: return take_responses(data, said);
    case metering::Api::gemini: return take_gemini(data, said);
  }
}

void Pieces::take_anthropic(std::string_view data, std::string& said) const {
  const auto event = Glance::of(data);
  if (!event) return;
  const Glance delta = (*event)["delta"];
  said += delta[from_tool_ ? "partial_json" : "text"].text_or_empty();
}

void Pieces::take_chat(std::string_view data, std::string& said) {
  const auto event = Glance::of(data);
  if (!event) return;
  (*event)["choices"].each_item([&](Glance choice) {
    const Glance delta = choice["delta"];
    said += delta["content"].text_or_empty();
    const std::string refusal = delta["refusal"].text_or_empty();
    refused_ = refused_ || !refusal.empty();
    said += refusal;
  });
}

void Pieces::take_responses(std::string_view data, std::string& said) {
  const auto event = Glance::of(data);
  if (!event) return;
  const std::string type = (*event)["type"].text_or_empty();
  if (type == "response.refusal.delta" || type == "response.refusal.done") refused_ = true;
  if (type == "response.output_text.delta" || type == "response.refusal.delta") {
    said += (*event)["delta"].text_or_empty();
  }
}

/// Thoughts are told in parts of their own, marked as such; they are no part of the answer.
void Pieces::take_gemini(std::string_view data, std::string& said) {
  const auto event = Glance::of(data);
  if (!event) return;
  const Glance candidate = (*event)["candidates"].first();
  candidate["content"]["parts"].each_item([&](Glance part) {
    if (!part["thought"].is_true()) said += part["text"].text_or_empty();
  });
}

}  // namespace interlock::chat
