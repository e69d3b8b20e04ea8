#include "metering/answer.h"

#include "metering/json_items.h"
#include "metering/scan.h"
#include "metering/sse.h"

namespace interlock::metering {
namespace {

/// Longer events and bodies are passed over: nothing that tells of usage is nearly as long.
constexpr std::size_t kEventBytesMax = std::size_t{16} << 20;
constexpr std::size_t kBodyBytesMax = std::size_t{64} << 20;

void take_event(Api api, Answered& answered, std::string_view name, std::string_view data) {
  switch (api) {
    case Api::anthropic: return take_anthropic_event(answered, name, data);
    case Api::openai_chat: return take_chat_event(answered, name, data);
    case Api::openai_responses: return take_responses_event(answered, name, data);
    case Api::gemini: return take_gemini_event(answered, name, data);
  }
}

void take_body(Api api, Answered& answered, const Glance& body) {
  switch (api) {
    case Api::anthropic: return take_anthropic_body(answered, body);
    case Api::openai_chat: return take_chat_body(answered, body);
    case Api::openai_responses: return take_responses_body(answered, body);
    case Api::gemini: return take_gemini_body(answered, body);
  }
}

}  // namespace

bool has_value(std::string_view data, std::string_view quoted) {
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = find_text(data, quoted); at != std::string_view::npos;
       at = find_text(data, quoted, at + 1)) {
    std::size_t next = data.find_first_not_of(kSpace, at + quoted.size());
    if (next == std::string_view::npos || data[next] != ':') continue;
    next = data.find_first_not_of(kSpace, next + 1);
    if (next != std::string_view::npos && !data.substr(next).starts_with("null")) return true;
  }
  return false;
}

void take_model(Answered& answered, const Glance& model) {
  const std::string_view written = model.text();
  // Every event may name it: most are done with a comparison.
  if (written.size() == answered.model.size() + 2 && written.substr(1).starts_with(answered.model))
    return;
  if (const auto name = model.string(); name && !name->empty()) answered.model = *name;
}

void take_count(std::optional<Tokens>& count, const Glance& value) {
  constexpr Tokens kMost = Tokens{1} << 50;  // so that no sum of them overflows
  if (const auto number = value.integer(); number && *number >= 0 && *number <= kMost)
    count = number;
}

struct AnswerReader::State {
  State(Api which, bool event_stream) : api(which), events(event_stream) {}

  Api api;
  bool events;
  Answered answered;
  EventCutter cutter{kEventBytesMax};
  std::string scratch;
  JsonItems items{kBodyBytesMax};

  void take_piece(const EventCutter::Piece& piece) {
    if (!piece.whole) return;
    const ServerEvent event = read_event(piece.bytes, scratch);
    if (event.has_data) take_event(api, answered, event.name, event.data);
  }
  void take_item(std::string_view text) {
    if (const auto body = Glance::of(text); body && body->is_object())
      take_body(api, answered, *body);
  }
};

AnswerReader::AnswerReader(Api api, bool event_stream)
    : state_(std::make_unique<State>(api, event_stream)) {}
AnswerReader::~AnswerReader() = default;
AnswerReader::AnswerReader(AnswerReader&&) noexcept = default;
AnswerReader& AnswerReader::operator=(AnswerReader&&) noexcept = default;

void AnswerReader::take(std::string_view bytes) {
  State& state = *state_;
  if (state.events) {
    state.cutter.take(bytes, [&](const EventCutter::Piece& piece) { state.take_piece(piece); });
  } else {
    state.items.take(bytes, [&](std::string_view item) { state.take_item(item); });
  }
}

void AnswerReader::end() {
  State& state = *state_;
  // An event without its empty line: clients pass it over, but what it tells was counted.
  state.cutter.end([&](const EventCutter::Piece& piece) { state.take_piece(piece); });
  state.items.end([&](std::string_view item) { state.take_item(item); });
}

const Answered& AnswerReader::answered() const { return state_->answered; }

}  // namespace interlock::metering
