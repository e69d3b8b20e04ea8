#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "metering/model_call.h"

// How a schema is put to a model by each API's own option, and how the answer is taken out again.
namespace interlock::chat {

inline constexpr std::string_view kAnswerTool = "answer";

struct Bound {
  std::optional<json::value> schema;  ///< As it is sent.
  bool wrapped = false;  ///< The answer is its member `answer`: only objects can be bound.
};

/// Anthropic: the input of a tool that must be called. OpenAI: `json_schema`. Gemini:
/// `responseJsonSchema`, which takes any schema as it is.
Bound bind(metering::Api api, const std::optional<json::value>& schema);

/// Whether OpenAI's strict mode takes it: every object is closed, and all its members are required.
bool holds_strictly(const json::value& schema);

/// The answer within what came back; what is not as it was bound is given as it is, for whoever
/// validates it to say what is wrong.
std::string unwrapped(std::string text);

}  // namespace interlock::chat
