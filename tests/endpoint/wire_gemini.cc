#include "endpoint/reply.h"

#include <boost/json/serialize.hpp>

// Gemini generateContent: https://ai.google.dev/api/generate-content
namespace interlock::endpoint::wire {
namespace {

json::object usage_of(const Used& used) {
  const Tokens prompt = used.input + used.cache_read + used.cache_write;
  return {{"promptTokenCount", prompt},
          {"cachedContentTokenCount", used.cache_read},
          {"candidatesTokenCount", used.output - used.reasoning},
          {"thoughtsTokenCount", used.reasoning},
          {"totalTokenCount", prompt + used.output}};
}

const char* finish_reason(const Reply& reply) {
  if (!reply.ends_with.empty()) return reply.ends_with.c_str();
  if (reply.finish == Finish::length) return "MAX_TOKENS";
  if (reply.finish == Finish::refusal) return "SAFETY";
  return "STOP";
}

json::object chunk(const Reply& reply, json::array parts, bool last) {
  json::object candidate{{"content", json::object{{"parts", std::move(parts)}, {"role", "model"}}},
                         {"index", 0}};
  if (last) candidate["finishReason"] = finish_reason(reply);
  json::object chunk{{"candidates", json::array{candidate}},
                     {"modelVersion", reply.model},
                     {"responseId", id_of("gemini", reply.number)}};
  if (reply.tells_usage && last) chunk["usageMetadata"] = usage_of(reply.used);
  return chunk;
}

json::array calls_of(const Reply& reply) {
  json::array parts;
  for (const ToolCall& tool : reply.tools) {
    parts.push_back(
        json::object{{"functionCall", json::object{{"name", tool.name}, {"args", tool.input}}}});
  }
  return parts;
}

}  // namespace

std::vector<Frame> gemini_frames(const Reply& reply) {
  std::vector<Frame> frames;
  for (const auto piece : pieces_of(reply.text)) {
    frames.push_back({"", json::serialize(chunk(reply, {json::object{{"text", piece}}}, false))});
  }
  json::array last = calls_of(reply);
  if (last.empty()) last.push_back(json::object{{"text", ""}});
  frames.push_back({"", json::serialize(chunk(reply, std::move(last), true)),
                    reply.tells_usage ? std::optional(reply.used) : std::nullopt});
  return frames;
}

std::string gemini_body(const Reply& reply) {
  json::array parts;
  if (!reply.text.empty()) parts.push_back(json::object{{"text", reply.text}});
  for (json::value& call : calls_of(reply)) parts.push_back(std::move(call));
  return json::serialize(chunk(reply, std::move(parts), true));
}

}  // namespace interlock::endpoint::wire
