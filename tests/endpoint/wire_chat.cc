#include "endpoint/reply.h"

#include <boost/json/serialize.hpp>

// OpenAI Chat Completions: https://platform.openai.com/docs/api-reference/chat
namespace interlock::endpoint::wire {
namespace {

constexpr std::int64_t kCreated = 1'750'000'000;

json::object usage_of(const Used& used) {
  const Tokens prompt = used.input + used.cache_read + used.cache_write;
  return {{"prompt_tokens", prompt},
          {"completion_tokens", used.output},
          {"total_tokens", prompt + used.output},
          {"prompt_tokens_details", json::object{{"cached_tokens", used.cache_read}}},
          {"completion_tokens_details", json::object{{"reasoning_tokens", used.reasoning}}}};
}

const char* finish_reason(const Reply& reply) {
  if (!reply.ends_with.empty()) return reply.ends_with.c_str();
  if (reply.finish == Finish::length) return "length";
  if (reply.finish == Finish::refusal) return "content_filter";
  return reply.tools.empty() ? "stop" : "tool_calls";
}

json::object head_of(const Reply& reply, const char* object) {
  return {{"id", id_of("chatcmpl", reply.number)},
          {"object", object},
          {"created", kCreated},
          {"model", reply.model}};
}

Frame chunk(const Reply& reply, json::object delta, const char* finish = nullptr) {
  json::object chunk = head_of(reply, "chat.completion.chunk");
  chunk["choices"] = json::array{json::object{
      {"index", 0},
      {"delta", std::move(delta)},
      {"finish_reason", finish == nullptr ? json::value(nullptr) : json::value(finish)}}};
  if (reply.tells_usage) chunk["usage"] = nullptr;
  return {"", json::serialize(chunk)};
}

json::object call_of(const Reply& reply, std::size_t i, const std::string& arguments) {
  return {{"id", id_of("call", reply.number, i)},
          {"type", "function"},
          {"function", json::object{{"name", reply.tools[i].name}, {"arguments", arguments}}}};
}

void add_call(const Reply& reply, std::size_t i, std::vector<Frame>& frames) {
  json::object first = call_of(reply, i, "");
  first["index"] = i;
  frames.push_back(chunk(reply, {{"tool_calls", json::array{first}}}));
  const std::string arguments = json::serialize(reply.tools[i].input);
  for (const auto piece : pieces_of(arguments)) {
    const json::object more{{"index", i}, {"function", json::object{{"arguments", piece}}}};
    frames.push_back(chunk(reply, {{"tool_calls", json::array{more}}}));
  }
}

}  // namespace

std::vector<Frame> chat_frames(const Reply& reply) {
  std::vector<Frame> frames;
  frames.push_back(chunk(reply, {{"role", "assistant"}, {"content", ""}}));
  for (const auto piece : pieces_of(reply.text))
    frames.push_back(chunk(reply, {{"content", piece}}));
  for (std::size_t i = 0; i < reply.tools.size(); ++i) add_call(reply, i, frames);
  frames.push_back(chunk(reply, {}, finish_reason(reply)));
  if (reply.tells_usage) {
    json::object usage = head_of(reply, "chat.completion.chunk");
    usage["choices"] = json::array{};
    usage["usage"] = usage_of(reply.used);
    frames.push_back({"", json::serialize(usage), reply.used});
  }
  frames.push_back({"", "[DONE]"});
  return frames;
}

std::string chat_body(const Reply& reply) {
  json::object message{{"role", "assistant"}, {"content", reply.text}, {"refusal", nullptr}};
  json::array calls;
  for (std::size_t i = 0; i < reply.tools.size(); ++i) {
    calls.push_back(call_of(reply, i, json::serialize(reply.tools[i].input)));
  }
  if (!calls.empty()) message["tool_calls"] = calls;
  json::object body = head_of(reply, "chat.completion");
  body["choices"] = json::array{
      json::object{{"index", 0}, {"message", message}, {"finish_reason", finish_reason(reply)}}};
  if (reply.tells_usage) body["usage"] = usage_of(reply.used);
  return json::serialize(body);
}

}  // namespace interlock::endpoint::wire
