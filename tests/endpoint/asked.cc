#include "endpoint/asked.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

namespace interlock::endpoint {
namespace {

const json::object& object_of(const json::value& value) {
  static const json::object kNothing;
  return value.is_object() ? value.get_object() : kNothing;
}

const json::value* find(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool holds_at(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::array& list_at(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const auto* value = find(object, key);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::optional<Tokens> number_at(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  if (value == nullptr || !value->is_int64()) return {};
  return value->get_int64();
}

/// The words of a message: a string, or the texts among its parts, clients' own reminders left out.
std::string words_of(const json::value* content) {
  if (content == nullptr) return {};
  if (content->is_string()) return std::string(content->get_string());
  std::string words;
  if (!content->is_array()) return words;
  for (const json::value& part : content->get_array()) {
    const std::string text = text_at(object_of(part), "text");
    if (text.starts_with("<system-reminder>")) continue;
    if (!words.empty() && !text.empty()) words += '\n';
    words += text;
  }
  return words;
}

bool has_part(const json::value* content, std::string_view key, std::string_view type) {
  if (content == nullptr || !content->is_array()) return false;
  for (const json::value& part : content->get_array()) {
    const json::object& object = object_of(part);
    if (type.empty() ? find(object, key) != nullptr : text_at(object, key) == type) return true;
  }
  return false;
}

/// Takes the conversation in from one message to the next.
struct Conversation {
  Asked& asked;

  void says(std::string_view role, const std::string& words) {
    asked.after_tool = false;
    if (role == "user" && !words.empty()) asked.prompt = words;
  }
  void brings_result() { asked.after_tool = true; }
};

/// Blocks of a request in the order in which a prompt cache takes them.
class PrefixMaker {
 public:
  explicit PrefixMaker(std::vector<Prefix>& prefixes) : prefixes_(prefixes) {}
  void add(const json::value& block) {
    text_ += json::serialize(block);
    if (find(object_of(block), "cache_control") != nullptr) mark();
  }
  void mark() {
    if (!text_.empty()) prefixes_.push_back({digest_of(text_), text_.size()});
  }

 private:
  std::vector<Prefix>& prefixes_;
  std::string text_;
};

void add_blocks(PrefixMaker& maker, const json::value* content) {
  if (content == nullptr) return;
  if (!content->is_array()) return maker.add(*content);
  for (const json::value& block : content->get_array()) maker.add(block);
}

void read_anthropic(const json::object& body, Asked& asked) {
  PrefixMaker maker(asked.prefixes);
  for (const json::value& tool : list_at(body, "tools")) {
    asked.tools.push_back(text_at(object_of(tool), "name"));
    maker.add(tool);
  }
  add_blocks(maker, find(body, "system"));
  Conversation conversation{asked};
  for (const json::value& one : list_at(body, "messages")) {
    const json::object& message = object_of(one);
    const json::value* content = find(message, "content");
    add_blocks(maker, content);
    if (has_part(content, "type", "tool_result")) {
      conversation.brings_result();
    } else if (const std::string role = text_at(message, "role"), words = words_of(content);
               role != "user" || !words.empty()) {
      if (role != "system") conversation.says(role, words);
    }
  }
  if (const auto* choice = find(body, "tool_choice")) {
    asked.forced_tool = text_at(object_of(*choice), "name");
  }
  asked.output_max = number_at(body, "max_tokens");
}

void read_tools(const json::object& body, Asked& asked) {
  for (const json::value& one : list_at(body, "tools")) {
    const json::object& tool = object_of(one);
    const auto* function = find(tool, "function");
    std::string name = text_at(function != nullptr ? object_of(*function) : tool, "name");
    asked.tools.push_back(name.empty() ? text_at(tool, "type") : std::move(name));
  }
  const auto* choice = find(body, "tool_choice");
  if (choice == nullptr) return;
  const auto* function = find(object_of(*choice), "function");
  asked.forced_tool = text_at(object_of(function != nullptr ? *function : *choice), "name");
}

void read_chat(const json::object& body, Asked& asked) {
  read_tools(body, asked);
  PrefixMaker maker(asked.prefixes);
  if (const auto* tools = find(body, "tools")) maker.add(*tools);
  Conversation conversation{asked};
  for (const json::value& one : list_at(body, "messages")) {
    const json::object& message = object_of(one);
    const std::string role = text_at(message, "role");
    if (role == "system" || role == "developer") {
      maker.add(one);
    } else if (role == "tool") {
      conversation.brings_result();
    } else {
      conversation.says(role, words_of(find(message, "content")));
    }
  }
  maker.mark();
  asked.output_max = number_at(body, "max_completion_tokens");
  if (!asked.output_max) asked.output_max = number_at(body, "max_tokens");
  const auto* options = find(body, "stream_options");
  asked.tells_usage =
      !asked.streams || (options != nullptr && holds_at(object_of(*options), "include_usage"));
}

void read_responses(const json::object& body, Asked& asked) {
  read_tools(body, asked);
  PrefixMaker maker(asked.prefixes);
  if (const auto* tools = find(body, "tools")) maker.add(*tools);
  if (const auto* instructions = find(body, "instructions")) maker.add(*instructions);
  maker.mark();
  Conversation conversation{asked};
  if (const auto* input = find(body, "input"); input != nullptr && input->is_string()) {
    conversation.says("user", std::string(input->get_string()));
  }
  for (const json::value& one : list_at(body, "input")) {
    const json::object& item = object_of(one);
    const std::string type = text_at(item, "type");
    if (type.ends_with("_call_output")) {
      conversation.brings_result();
    } else if (type.empty() || type == "message") {
      conversation.says(text_at(item, "role"), words_of(find(item, "content")));
    }
  }
  asked.output_max = number_at(body, "max_output_tokens");
}

void read_gemini(const json::object& body, Asked& asked) {
  PrefixMaker maker(asked.prefixes);
  for (const json::value& tool : list_at(body, "tools")) {
    for (const json::value& one : list_at(object_of(tool), "functionDeclarations")) {
      asked.tools.push_back(text_at(object_of(one), "name"));
    }
    maker.add(tool);
  }
  if (const auto* system = find(body, "systemInstruction")) maker.add(*system);
  maker.mark();
  Conversation conversation{asked};
  for (const json::value& one : list_at(body, "contents")) {
    const json::object& content = object_of(one);
    const json::value* parts = find(content, "parts");
    if (has_part(parts, "functionResponse", {})) {
      conversation.brings_result();
    } else {
      const std::string role = text_at(content, "role");
      conversation.says(role.empty() ? "user" : role, words_of(parts));
    }
  }
  if (const auto* config = find(body, "generationConfig")) {
    asked.output_max = number_at(object_of(*config), "maxOutputTokens");
  }
}

std::string task_in(std::string_view text) {
  constexpr std::string_view kMark = "[[task:";
  const std::size_t begin = text.find(kMark);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + kMark.size());
  const std::size_t end = text.find("]]");
  return end == std::string_view::npos || end > 200 ? std::string()
                                                    : std::string(text.substr(0, end));
}

struct Ending {
  std::string_view path;
  Api api;
  Asked::What what;
};
// The longer before those they end in.
constexpr std::array kEndings{
    Ending{"/v1/messages/count_tokens", Api::anthropic, Asked::What::count},
    Ending{"/v1/messages", Api::anthropic, Asked::What::answer},
    Ending{"/v1/chat/completions", Api::chat, Asked::What::answer},
    Ending{"/v1/responses", Api::responses, Asked::What::answer},
};

/// Gemini's paths name the model and the method: `/v1beta/models/NAME:METHOD`.
bool place_gemini(std::string_view path, std::string_view query, Asked& asked) {
  const std::size_t begin = path.find("/v1beta/models/");
  const std::size_t colon = path.rfind(':');
  if (begin == std::string_view::npos || colon == std::string_view::npos || colon < begin)
    return false;
  const std::size_t model = begin + std::string_view("/v1beta/models/").size();
  const std::string_view method = path.substr(colon + 1);
  asked.api = Api::gemini;
  asked.label = path.substr(0, begin);
  asked.model = path.substr(model, colon - model);
  asked.streams = method == "streamGenerateContent";
  asked.as_array = asked.streams && query.find("alt=sse") == std::string_view::npos;
  if (method == "countTokens") asked.what = Asked::What::count;
  return asked.streams || method == "generateContent" || method == "countTokens";
}

bool place(std::string_view path, std::string_view query, Asked& asked) {
  if (place_gemini(path, query, asked)) return true;
  for (const Ending& ending : kEndings) {
    if (!path.ends_with(ending.path)) continue;
    asked.api = ending.api;
    asked.what = ending.what;
    asked.label = path.substr(0, path.size() - ending.path.size());
    return true;
  }
  return false;
}

bool place_look(std::string_view path, Asked& asked) {
  for (const std::string_view list : {"/v1/models", "/v1beta/models"}) {
    const std::size_t at = path.find(list);
    if (at == std::string_view::npos) continue;
    asked.what = Asked::What::models;
    asked.api = list == "/v1/models" ? Api::chat : Api::gemini;
    asked.label = path.substr(0, at);
    return true;
  }
  asked.what = Asked::What::alive;
  return path == "/";
}

void read_body(const json::object& body, Asked& asked) {
  if (asked.api != Api::gemini) {
    asked.model = text_at(body, "model");
    asked.streams = holds_at(body, "stream");
  }
  switch (asked.api) {
    case Api::anthropic: return read_anthropic(body, asked);
    case Api::chat: return read_chat(body, asked);
    case Api::responses: return read_responses(body, asked);
    case Api::gemini: return read_gemini(body, asked);
  }
}

}  // namespace

std::string_view name_of(Api api) {
  switch (api) {
    case Api::anthropic: return "anthropic";
    case Api::chat: return "openai-chat";
    case Api::responses: return "openai-responses";
    case Api::gemini: return "gemini";
  }
  return "";
}

Result<std::optional<Asked>> read_asked(std::string_view method, std::string_view target,
                                        std::string_view body) {
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  Asked asked;
  asked.bytes = body.size();
  if (method == "GET" || method == "HEAD") {
    if (!place_look(path, asked)) return std::nullopt;
    return asked;
  }
  if (method != "POST" || !place(path, query, asked)) return std::nullopt;
  auto value = parse_json(body);
  if (!value) return within(value.error(), "the body is no JSON");
  if (!value->is_object()) return fail(Error::Kind::invalid, "the body is no object");
  read_body(value->get_object(), asked);
  asked.task = task_in(asked.prompt);
  if (asked.task.empty()) asked.task = task_in(body);
  return asked;
}

}  // namespace interlock::endpoint
