#include "metering/model_call.h"

namespace interlock::metering {

std::string_view name_of(Api api) {
  switch (api) {
    case Api::anthropic: return "anthropic";
    case Api::openai_chat: return "openai-chat";
    case Api::openai_responses: return "openai-responses";
    case Api::gemini: return "gemini";
  }
  return "";
}

std::optional<Api> api_named(std::string_view name) {
  for (const Api api : {Api::anthropic, Api::openai_chat, Api::openai_responses, Api::gemini}) {
    if (name_of(api) == name) return api;
  }
  return {};
}

std::string_view name_of(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::rate_limited: return "rate_limited";
    case Refusal::Kind::quota_spent: return "quota_spent";
    case Refusal::Kind::overloaded: return "overloaded";
    case Refusal::Kind::authentication: return "authentication";
    case Refusal::Kind::bad_request: return "bad_request";
    case Refusal::Kind::too_long: return "too_long";
    case Refusal::Kind::server: return "server";
  }
  return "";
}

}  // namespace interlock::metering
