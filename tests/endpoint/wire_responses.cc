#include "endpoint/reply.h"

#include <boost/json/serialize.hpp>

// OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming
namespace interlock::endpoint::wire {
namespace {

constexpr std::int64_t kCreated = 1'750'000'000;

json::object usage_of(const Used& used) {
  const Tokens input = used.input + used.cache_read + used.cache_write;
  return {{"input_tokens", input},
          {"input_tokens_details", json::object{{"cached_tokens", used.cache_read}}},
          {"output_tokens", used.output},
          {"output_tokens_details", json::object{{"reasoning_tokens", used.reasoning}}},
          {"total_tokens", input + used.output}};
}

json::object response_of(const Reply& reply, const char* status, json::array output) {
  return {{"id", id_of("resp", reply.number)},
          {"object", "response"},
          {"created_at", kCreated},
          {"status", status},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"model", reply.model},
          {"output", std::move(output)},
          {"parallel_tool_calls", true},
          {"usage", nullptr}};
}

json::object part_of(const Reply& reply, std::string_view text) {
  if (reply.finish == Finish::refusal) return {{"type", "refusal"}, {"refusal", text}};
  return {{"type", "output_text"}, {"text", text}, {"annotations", json::array{}}};
}

json::object message_of(const Reply& reply, const char* status, json::array content) {
  return {{"id", id_of("msg", reply.number)},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

/// A tool named `NAMESPACE/TOOL` is one of a namespace, as MCP servers' tools are.
json::object call_of(const Reply& reply, std::size_t i, const char* status,
                     std::string_view arguments) {
  const std::string& name = reply.tools[i].name;
  const std::size_t slash = name.find('/');
  json::object call{{"id", id_of("fc", reply.number, i)},
                    {"type", "function_call"},
                    {"status", status},
                    {"call_id", id_of("call", reply.number, i)},
                    {"name", name.substr(slash + 1)},
                    {"arguments", arguments}};
  if (slash != std::string::npos) call["namespace"] = name.substr(0, slash);
  return call;
}

bool is_incomplete(const Reply& reply) {
  return reply.finish == Finish::length || !reply.ends_with.empty();
}

const char* status_of(const Reply& reply) {
  return is_incomplete(reply) ? "incomplete" : "completed";
}

bool says_something(const Reply& reply) {
  return !reply.text.empty() || reply.finish == Finish::refusal;
}

json::array output_of(const Reply& reply) {
  json::array output;
  if (says_something(reply)) {
    output.push_back(message_of(reply, status_of(reply), {part_of(reply, reply.text)}));
  }
  for (std::size_t i = 0; i < reply.tools.size(); ++i) {
    output.push_back(call_of(reply, i, "completed", json::serialize(reply.tools[i].input)));
  }
  return output;
}

json::object whole_of(const Reply& reply) {
  json::object response = response_of(reply, status_of(reply), output_of(reply));
  if (is_incomplete(reply)) {
    response["incomplete_details"] = json::object{
        {"reason", reply.ends_with.empty() ? std::string("max_output_tokens") : reply.ends_with}};
  }
  if (reply.tells_usage) response["usage"] = usage_of(reply.used);
  return response;
}

class Stream {
 public:
  void add(const char* type, json::object data, std::optional<Used> tells = {}) {
    json::object whole{{"type", type}, {"sequence_number", number_++}};
    for (auto& [key, value] : data) whole[key] = value;
    frames_.push_back({type, json::serialize(whole), tells});
  }
  std::vector<Frame> take() { return std::move(frames_); }

 private:
  std::vector<Frame> frames_;
  std::int64_t number_ = 0;
};

void add_message(const Reply& reply, Stream& stream) {
  const json::object at{
      {"item_id", id_of("msg", reply.number)}, {"output_index", 0}, {"content_index", 0}};
  const auto with = [&](json::object more) {
    json::object data = at;
    for (auto& [key, value] : more) data[key] = value;
    return data;
  };
  const bool refuses = reply.finish == Finish::refusal;
  stream.add("response.output_item.added",
             {{"output_index", 0}, {"item", message_of(reply, "in_progress", {})}});
  stream.add("response.content_part.added", with({{"part", part_of(reply, "")}}));
  for (const auto piece : pieces_of(reply.text)) {
    stream.add(refuses ? "response.refusal.delta" : "response.output_text.delta",
               with({{"delta", piece}}));
  }
  stream.add(refuses ? "response.refusal.done" : "response.output_text.done",
             with({{refuses ? "refusal" : "text", reply.text}}));
  stream.add("response.content_part.done", with({{"part", part_of(reply, reply.text)}}));
  stream.add("response.output_item.done",
             {{"output_index", 0},
              {"item", message_of(reply, status_of(reply), {part_of(reply, reply.text)})}});
}

void add_call(const Reply& reply, std::size_t i, std::size_t index, Stream& stream) {
  const std::string arguments = json::serialize(reply.tools[i].input);
  const std::string id = id_of("fc", reply.number, i);
  stream.add("response.output_item.added",
             {{"output_index", index}, {"item", call_of(reply, i, "in_progress", "")}});
  for (const auto piece : pieces_of(arguments)) {
    stream.add("response.function_call_arguments.delta",
               {{"item_id", id}, {"output_index", index}, {"delta", piece}});
  }
  stream.add("response.function_call_arguments.done",
             {{"item_id", id}, {"output_index", index}, {"arguments", arguments}});
  stream.add("response.output_item.done",
             {{"output_index", index}, {"item", call_of(reply, i, "completed", arguments)}});
}

}  // namespace

std::vector<Frame> responses_frames(const Reply& reply) {
  Stream stream;
  const json::object begun = response_of(reply, "in_progress", {});
  stream.add("response.created", {{"response", begun}});
  stream.add("response.in_progress", {{"response", begun}});
  const bool speaks = says_something(reply);
  if (speaks) add_message(reply, stream);
  for (std::size_t i = 0; i < reply.tools.size(); ++i)
    add_call(reply, i, i + (speaks ? 1 : 0), stream);
  stream.add(is_incomplete(reply) ? "response.incomplete" : "response.completed",
             {{"response", whole_of(reply)}},
             reply.tells_usage ? std::optional(reply.used) : std::nullopt);
  return stream.take();
}

std::string responses_body(const Reply& reply) { return json::serialize(whole_of(reply)); }

}  // namespace interlock::endpoint::wire
