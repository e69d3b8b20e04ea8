#include "metering/stop.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace interlock::metering {
namespace {

struct Word {
  std::string_view word;
  Stop stop;
};

/// https://docs.anthropic.com/en/api/handling-stop-reasons
constexpr std::array kAnthropic{
    Word{"end_turn", Stop::whole},   Word{"stop_sequence", Stop::whole},
    Word{"tool_use", Stop::tools},   Word{"pause_turn", Stop::paused},
    Word{"max_tokens", Stop::cut},   Word{"model_context_window_exceeded", Stop::cut},
    Word{"refusal", Stop::declined},
};

/// https://platform.openai.com/docs/api-reference/chat/object; `eos` is Together's, the last three
/// are Mistral's, OpenRouter's and DeepSeek's.
constexpr std::array kChat{
    Word{"stop", Stop::whole},
    Word{"eos", Stop::whole},
    Word{"tool_calls", Stop::tools},
    Word{"function_call", Stop::tools},
    Word{"length", Stop::cut},
    Word{"content_filter", Stop::declined},
    Word{"model_length", Stop::cut},
    Word{"error", Stop::failed},
    Word{"insufficient_system_resource", Stop::failed},
};

/// The response's status, or the reason why it is incomplete:
/// https://platform.openai.com/docs/api-reference/responses/object
constexpr std::array kResponses{
    Word{"completed", Stop::whole},         Word{"max_output_tokens", Stop::cut},
    Word{"content_filter", Stop::declined}, Word{"incomplete", Stop::cut},
    Word{"cancelled", Stop::cut},           Word{"failed", Stop::failed},
};

/// https://ai.google.dev/api/generate-content#FinishReason and #BlockReason
constexpr std::array kGemini{
    Word{"STOP", Stop::whole},
    Word{"MAX_TOKENS", Stop::cut},
    Word{"SAFETY", Stop::declined},
    Word{"RECITATION", Stop::declined},
    Word{"LANGUAGE", Stop::declined},
    Word{"BLOCKLIST", Stop::declined},
    Word{"PROHIBITED_CONTENT", Stop::declined},
    Word{"SPII", Stop::declined},
    Word{"IMAGE_SAFETY", Stop::declined},
    Word{"IMAGE_PROHIBITED_CONTENT", Stop::declined},
    Word{"IMAGE_RECITATION", Stop::declined},
    Word{"MODEL_ARMOR", Stop::declined},
    Word{"MALFORMED_FUNCTION_CALL", Stop::failed},
    Word{"MALFORMED_RESPONSE", Stop::failed},
    Word{"UNEXPECTED_TOOL_CALL", Stop::failed},
    Word{"TOO_MANY_TOOL_CALLS", Stop::failed},
    Word{"MISSING_THOUGHT_SIGNATURE", Stop::failed},
};

std::span<const Word> words_of(Api api) {
  switch (api) {
    case Api::anthropic: return kAnthropic;
    case Api::openai_chat: return kChat;
    case Api::openai_responses: return kResponses;
    case Api::gemini: return kGemini;
  }
  return {};
}

void take(Answered& answered, Stop stop, std::string_view word) {
  if (stop < answered.stop) return;
  answered.stop = stop;
  answered.finish = std::string(word);
  answered.cut = stop == Stop::cut;
}

}  // namespace

Stop stop_of(Api api, std::string_view word) {
  const auto words = words_of(api);
  const auto found = std::ranges::find(words, word, &Word::word);
  return found == words.end() ? Stop::unfamiliar : found->stop;
}

void take_stop(Answered& answered, Api api, std::string_view word) {
  take(answered, stop_of(api, word), word);
}

void take_decline(Answered& answered, std::string_view word) {
  take(answered, Stop::declined, word);
}

}  // namespace interlock::metering
