#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "metering/model_call.h"

namespace interlock::chat {

/// What is asked of a model: one prompt, one answer.
struct CallSpec {
  metering::Api api = metering::Api::openai_chat;
  std::string model;
  std::string base_url;  ///< Empty: the provider's own. A version part at its end is ignored.
  std::string prompt;
  std::optional<json::value> schema;  ///< The answer must hold to it.
  std::optional<Tokens> output_max;   ///< None: the API's own maximum, where it has one.
};

/// As the command line names them: `anthropic`, `openai`, `openai-responses`, `gemini`.
std::optional<metering::Api> api_called(std::string_view name);
std::string_view called(metering::Api api);
/// The variables people keep its key in, the likeliest first.
std::vector<std::string_view> key_variables(metering::Api api);

struct Request {
  std::string url;
  std::vector<std::string> headers;  ///< `name: value`; with the key.
  std::string body;
};
/// `key` empty: none is shown, as servers of one's own want it.
Result<Request> request_for(const CallSpec& spec, const std::string& key);

}  // namespace interlock::chat
