#include "endpoint/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace interlock::endpoint {

namespace wire {

std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  const std::size_t size = std::max<std::size_t>(24, text.size() / 200);
  while (!text.empty()) {
    std::size_t end = std::min(size, text.size());
    while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;  // never inside a character
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

std::string id_of(std::string_view prefix, std::int64_t number, std::size_t part) {
  return fmt::format("{}_{:08x}{:04x}", prefix, number, part);
}

}  // namespace wire

std::string wire_of(const Frame& frame) {
  if (frame.event.empty()) return fmt::format("data: {}\n\n", frame.data);
  return fmt::format("event: {}\ndata: {}\n\n", frame.event, frame.data);
}

std::vector<Frame> frames_of(Api api, const Reply& reply) {
  switch (api) {
    case Api::anthropic: return wire::anthropic_frames(reply);
    case Api::chat: return wire::chat_frames(reply);
    case Api::responses: return wire::responses_frames(reply);
    case Api::gemini: return wire::gemini_frames(reply);
  }
  return {};
}

std::string body_of(Api api, const Reply& reply) {
  switch (api) {
    case Api::anthropic: return wire::anthropic_body(reply);
    case Api::chat: return wire::chat_body(reply);
    case Api::responses: return wire::responses_body(reply);
    case Api::gemini: return wire::gemini_body(reply);
  }
  return {};
}

namespace {

std::string anthropic_type(int status) {
  switch (status) {
    case 400: return "invalid_request_error";
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 529: return "overloaded_error";
    default: return "api_error";
  }
}

std::string openai_code(int status) {
  switch (status) {
    case 401: return "invalid_api_key";
    case 404: return "model_not_found";
    case 429: return "rate_limit_exceeded";
    default: return status < 500 ? "invalid_value" : "server_error";
  }
}

std::string openai_type(int status, const std::string& code) {
  if (code == "insufficient_quota") return code;
  if (status == 429) return "requests";
  return status < 500 ? "invalid_request_error" : "server_error";
}

std::string gemini_status(int status) {
  switch (status) {
    case 400: return "INVALID_ARGUMENT";
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 429: return "RESOURCE_EXHAUSTED";
    case 503:
    case 529: return "UNAVAILABLE";
    default: return "INTERNAL";
  }
}

std::string usual_message(int status) {
  switch (status) {
    case 401: return "invalid API key";
    case 404: return "no such model";
    case 429: return "Rate limit reached. Please try again later.";
    case 529: return "Overloaded";
    default: return status < 500 ? "the request is not valid" : "Internal server error";
  }
}

json::object gemini_error(const Refused& refused, const std::string& message) {
  json::object error{
      {"code", refused.status},
      {"message", message},
      {"status", refused.code.empty() ? gemini_status(refused.status) : refused.code}};
  if (refused.retry_after) {
    error["details"] = json::array{
        json::object{{"@type", "type.googleapis.com/google.rpc.RetryInfo"},
                     {"retryDelay", fmt::format("{}s", to_seconds(*refused.retry_after))}}};
  }
  return {{"error", error}};
}

}  // namespace

std::string error_body(Api api, const Refused& refused) {
  const std::string message =
      refused.message.empty() ? usual_message(refused.status) : refused.message;
  if (api == Api::gemini) return json::serialize(gemini_error(refused, message));
  if (api == Api::anthropic) {
    const std::string type = refused.code.empty() ? anthropic_type(refused.status) : refused.code;
    return json::serialize(json::object{
        {"type", "error"}, {"error", json::object{{"type", type}, {"message", message}}}});
  }
  const std::string code = refused.code.empty() ? openai_code(refused.status) : refused.code;
  return json::serialize(
      json::object{{"error", json::object{{"message", message},
                                          {"type", openai_type(refused.status, code)},
                                          {"param", nullptr},
                                          {"code", code}}}});
}

Frame error_frame(Api api) {
  if (api == Api::anthropic) return {"error", error_body(api, {.status = 529})};
  if (api == Api::responses) {
    return {"error", json::serialize(json::object{{"type", "error"},
                                                  {"code", "server_error"},
                                                  {"message", "The server had an error"},
                                                  {"param", nullptr}})};
  }
  return {"", error_body(api, {.status = api == Api::gemini ? 503 : 500})};
}

}  // namespace interlock::endpoint
