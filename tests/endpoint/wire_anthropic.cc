#include "endpoint/reply.h"

#include <boost/json/serialize.hpp>

// Anthropic Messages: https://docs.anthropic.com/en/api/messages and .../streaming
namespace interlock::endpoint::wire {
namespace {

json::object usage_of(const Reply& reply, Tokens output) {
  return {{"input_tokens", reply.used.input},
          {"cache_creation_input_tokens", reply.used.cache_write},
          {"cache_read_input_tokens", reply.used.cache_read},
          {"output_tokens", output}};
}

const char* stop_reason(const Reply& reply) {
  if (!reply.ends_with.empty()) return reply.ends_with.c_str();
  if (reply.finish == Finish::length) return "max_tokens";
  if (reply.finish == Finish::refusal) return "refusal";
  return reply.tools.empty() ? "end_turn" : "tool_use";
}

json::object message_of(const Reply& reply) {
  return {{"id", id_of("msg", reply.number)},
          {"type", "message"},
          {"role", "assistant"},
          {"model", reply.model},
          {"content", json::array{}},
          {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

class Stream {
 public:
  void add(const char* type, json::object data, std::optional<Used> tells = {}) {
    json::object whole{{"type", type}};
    for (auto& [key, value] : data) whole[key] = value;
    frames_.push_back({type, json::serialize(whole), tells});
  }
  void begin_block(json::object block) {
    add("content_block_start", {{"index", index_}, {"content_block", std::move(block)}});
  }
  void delta(json::object delta) {
    add("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
  }
  void end_block() { add("content_block_stop", {{"index", index_++}}); }
  std::vector<Frame> take() { return std::move(frames_); }

 private:
  std::vector<Frame> frames_;
  std::int64_t index_ = 0;
};

}  // namespace

std::vector<Frame> anthropic_frames(const Reply& reply) {
  Stream stream;
  json::object message = message_of(reply);
  Used so_far = reply.used;
  so_far.output = 1;  // what the start tells is not yet the truth
  if (reply.tells_usage) message["usage"] = usage_of(reply, 1);
  stream.add("message_start", {{"message", message}},
             reply.tells_usage ? std::optional(so_far) : std::nullopt);
  stream.add("ping", {});
  if (!reply.text.empty()) {
    stream.begin_block({{"type", "text"}, {"text", ""}});
    for (const auto piece : pieces_of(reply.text)) {
      stream.delta({{"type", "text_delta"}, {"text", piece}});
    }
    stream.end_block();
  }
  for (std::size_t i = 0; i < reply.tools.size(); ++i) {
    const ToolCall& tool = reply.tools[i];
    stream.begin_block({{"type", "tool_use"},
                        {"id", id_of("toolu", reply.number, i)},
                        {"name", tool.name},
                        {"input", json::object{}}});
    const std::string input = json::serialize(tool.input);
    for (const auto piece : pieces_of(input)) {
      stream.delta({{"type", "input_json_delta"}, {"partial_json", piece}});
    }
    stream.end_block();
  }
  json::object end{
      {"delta", json::object{{"stop_reason", stop_reason(reply)}, {"stop_sequence", nullptr}}}};
  if (reply.tells_usage) end["usage"] = usage_of(reply, reply.used.output);
  stream.add("message_delta", std::move(end),
             reply.tells_usage ? std::optional(reply.used) : std::nullopt);
  stream.add("message_stop", {});
  return stream.take();
}

std::string anthropic_body(const Reply& reply) {
  json::object message = message_of(reply);
  json::array content;
  if (!reply.text.empty()) content.push_back(json::object{{"type", "text"}, {"text", reply.text}});
  for (std::size_t i = 0; i < reply.tools.size(); ++i) {
    content.push_back(json::object{{"type", "tool_use"},
                                   {"id", id_of("toolu", reply.number, i)},
                                   {"name", reply.tools[i].name},
                                   {"input", reply.tools[i].input}});
  }
  message["content"] = content;
  message["stop_reason"] = stop_reason(reply);
  if (reply.tells_usage) message["usage"] = usage_of(reply, reply.used.output);
  return json::serialize(message);
}

}  // namespace interlock::endpoint::wire
