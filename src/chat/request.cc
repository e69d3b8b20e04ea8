#include "chat/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "chat/binding.h"

namespace interlock::chat {

using metering::Api;

namespace {

struct Called {
  std::string_view name;
  Api api;
  std::string_view base_url;
  std::array<std::string_view, 2> keys;
};
constexpr std::array kCalled{
    Called{"anthropic", Api::anthropic, "https://api.anthropic.com", {"ANTHROPIC_API_KEY", ""}},
    Called{"openai", Api::openai_chat, "https://api.openai.com", {"OPENAI_API_KEY", ""}},
    Called{"openai-responses",
           Api::openai_responses,
           "https://api.openai.com",
           {"OPENAI_API_KEY", ""}},
    Called{"gemini",
           Api::gemini,
           "https://generativelanguage.googleapis.com",
           {"GEMINI_API_KEY", "GOOGLE_API_KEY"}},
};

const Called& entry_of(Api api) { return *std::ranges::find(kCalled, api, &Called::api); }

/// Anthropic demands a maximum; this is one that all its models since Claude 3.5 allow.
constexpr Tokens kAnthropicOutputMax = 8192;

std::string base_of(const CallSpec& spec) {
  std::string_view base = spec.base_url.empty() ? entry_of(spec.api).base_url : spec.base_url;
  for (const std::string_view end : {"/", "/v1", "/v1beta", "/"}) {
    if (base.ends_with(end)) base.remove_suffix(end.size());
  }
  return std::string(base);
}

/// A model's name becomes a part of Gemini's path.
std::string path_part(std::string_view text) {
  std::string part;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      part += c;
    } else {
      part += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return part;
}

json::array messages_of(const CallSpec& spec) {
  return {json::object{{"role", "user"}, {"content", spec.prompt}}};
}

json::object anthropic_body(const CallSpec& spec, const Bound& bound) {
  json::object body{{"model", spec.model},
                    {"max_tokens", spec.output_max.value_or(kAnthropicOutputMax)},
                    {"stream", true},
                    {"messages", messages_of(spec)}};
  if (bound.schema) {
    body["tools"] = json::array{json::object{{"name", kAnswerTool},
                                             {"description", "Gives the answer."},
                                             {"input_schema", *bound.schema}}};
    body["tool_choice"] = json::object{{"type", "tool"}, {"name", kAnswerTool}};
  }
  return body;
}

json::object named_schema(const Bound& bound) {
  return {
      {"name", kAnswerTool}, {"strict", holds_strictly(*bound.schema)}, {"schema", *bound.schema}};
}

json::object chat_body(const CallSpec& spec, const Bound& bound) {
  json::object body{{"model", spec.model},
                    {"stream", true},
                    {"stream_options", json::object{{"include_usage", true}}},
                    {"messages", messages_of(spec)}};
  if (spec.output_max) body["max_completion_tokens"] = *spec.output_max;
  if (bound.schema) {
    body["response_format"] =
        json::object{{"type", "json_schema"}, {"json_schema", named_schema(bound)}};
  }
  return body;
}

json::object responses_body(const CallSpec& spec, const Bound& bound) {
  json::object body{
      {"model", spec.model}, {"stream", true}, {"store", false}, {"input", messages_of(spec)}};
  if (spec.output_max) body["max_output_tokens"] = *spec.output_max;
  if (bound.schema) {
    json::object format = named_schema(bound);
    format["type"] = "json_schema";
    body["text"] = json::object{{"format", format}};
  }
  return body;
}

json::object gemini_body(const CallSpec& spec, const Bound& bound) {
  json::object body{
      {"contents",
       json::array{json::object{{"role", "user"},
                                {"parts", json::array{json::object{{"text", spec.prompt}}}}}}}};
  json::object config;
  if (spec.output_max) config["maxOutputTokens"] = *spec.output_max;
  if (bound.schema) {
    config["responseMimeType"] = "application/json";
    config["responseJsonSchema"] = *bound.schema;
  }
  if (!config.empty()) body["generationConfig"] = config;
  return body;
}

std::string path_of(const CallSpec& spec) {
  switch (spec.api) {
    case Api::anthropic: return "/v1/messages";
    case Api::openai_chat: return "/v1/chat/completions";
    case Api::openai_responses: return "/v1/responses";
    case Api::gemini:
      return fmt::format("/v1beta/models/{}:streamGenerateContent?alt=sse", path_part(spec.model));
  }
  return {};
}

json::object body_of(const CallSpec& spec, const Bound& bound) {
  switch (spec.api) {
    case Api::anthropic: return anthropic_body(spec, bound);
    case Api::openai_chat: return chat_body(spec, bound);
    case Api::openai_responses: return responses_body(spec, bound);
    case Api::gemini: return gemini_body(spec, bound);
  }
  return {};
}

std::string key_header(Api api, const std::string& key) {
  if (api == Api::anthropic) return "x-api-key: " + key;
  if (api == Api::gemini) return "x-goog-api-key: " + key;
  return "authorization: Bearer " + key;
}

bool may_stand_in_header(std::string_view key) {
  return std::ranges::all_of(key, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<Api> api_called(std::string_view name) {
  const auto found = std::ranges::find(kCalled, name, &Called::name);
  return found == kCalled.end() ? std::nullopt : std::optional(found->api);
}

std::string_view called(Api api) { return entry_of(api).name; }

std::vector<std::string_view> key_variables(Api api) {
  std::vector<std::string_view> names;
  for (const std::string_view name : entry_of(api).keys) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

Result<Request> request_for(const CallSpec& spec, const std::string& key) {
  if (!may_stand_in_header(key)) {
    return fail(Error::Kind::invalid, "the key has spaces, line ends or bytes beyond ASCII in it",
                "a key is one word: look for a line end that came along with it");
  }
  Request request;
  request.url = base_of(spec) + path_of(spec);
  request.headers = {"content-type: application/json", "accept: text/event-stream"};
  if (spec.api == Api::anthropic) request.headers.emplace_back("anthropic-version: 2023-06-01");
  if (!key.empty()) request.headers.push_back(key_header(spec.api, key));
  request.body = json::serialize(body_of(spec, bind(spec.api, spec.schema)));
  return request;
}

}  // namespace interlock::chat
