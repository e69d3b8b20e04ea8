#include "endpoint/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace interlock::endpoint {
namespace {

std::string header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? std::string() : found->second;
}

std::string key_of(const Incoming& incoming) {
  for (const char* name : {"x-api-key", "x-goog-api-key"}) {
    if (std::string key = header(incoming.headers, name); !key.empty()) return key;
  }
  const std::string bearer = header(incoming.headers, "authorization");
  if (bearer.starts_with("Bearer ")) return bearer.substr(7);
  const std::size_t at = incoming.target.find("key=");
  if (at == std::string_view::npos) return {};
  const std::string_view rest = incoming.target.substr(at + 4);
  return std::string(rest.substr(0, rest.find('&')));
}

bool offers(const Asked& asked, std::string_view tool) {
  return std::ranges::find(asked.tools, tool) != asked.tools.end();
}

/// Clients name the tool that runs a command each in its own way.
std::optional<ToolCall> shell_call(const Asked& asked, const std::string& command) {
  for (const char* name : {"Bash", "bash", "run_shell_command"}) {
    if (!offers(asked, name)) continue;
    ToolCall call{name, {{"command", command}, {"description", "run a command"}}};
    if (call.name == "run_shell_command") call.input["is_background"] = false;
    return call;
  }
  if (offers(asked, "exec_command")) return ToolCall{"exec_command", {{"cmd", command}}};
  if (offers(asked, "shell")) {
    return ToolCall{"shell", {{"command", json::array{"bash", "-lc", command}}}};
  }
  return {};
}

std::string huge_text(std::size_t bytes) {
  std::string text;
  text.reserve(bytes + 32);
  for (std::size_t i = 0; text.size() < bytes; ++i) text += fmt::format("word {} ", i);
  text.resize(bytes);
  return text;
}

void say_structured(const Asked& asked, const json::value& value, Reply& reply) {
  std::string tool = asked.forced_tool;
  for (const char* name : {"StructuredOutput", "structured_output"}) {
    if (tool.empty() && offers(asked, name)) tool = name;
  }
  if (!tool.empty() && value.is_object()) {
    reply.tools.push_back({tool, value.get_object()});
  } else {
    reply.text += json::serialize(value);
  }
}

/// A model stops where it was told to.
void hold_to_maximum(const Asked& asked, Reply& reply) {
  if (!asked.output_max || !reply.tools.empty()) return;
  std::size_t most = static_cast<std::size_t>(std::max<Tokens>(1, *asked.output_max)) * 4;
  if (reply.text.size() <= most) return;
  while (most > 0 && (reply.text[most] & 0xc0) == 0x80) --most;
  reply.text.resize(most);
  reply.finish = Finish::length;
}

Reply reply_to(const Asked& asked, const Step& step, const Entry& entry) {
  Reply reply{.number = entry.number, .model = asked.model, .text = step.text, .tools = step.tools};
  reply.finish = step.finish;
  reply.ends_with = step.ends_with;
  if (step.huge > 0) reply.text += huge_text(step.huge);
  if (step.structured) say_structured(asked, *step.structured, reply);
  if (!step.shell.empty()) {
    if (auto call = shell_call(asked, step.shell)) {
      reply.tools.push_back(std::move(*call));
    } else {
      reply.text += "There is no tool that runs commands.";
    }
  }
  hold_to_maximum(asked, reply);
  return reply;
}

Tokens output_of(const Reply& reply) {
  std::size_t bytes = reply.text.size();
  for (const ToolCall& tool : reply.tools) {
    bytes += tool.name.size() + json::serialize(tool.input).size();
  }
  return tokens_of(bytes);
}

}  // namespace

Provider::Provider(Script script)
    : script_(std::move(script)), chooser_(script_), cache_(script_), quota_(script_.limits) {}

Answer Provider::ask(const Incoming& incoming, Time now) {
  const std::scoped_lock lock(mutex_);
  if (incoming.method == "GET" && incoming.target.starts_with("/books")) {
    return read_books(incoming.target);
  }
  const auto read = read_asked(incoming.method, incoming.target, incoming.body);
  if (!read)
    return {.status = 400, .body = error_body(Api::anthropic, {400, {}, read.error().message})};
  if (!*read) return {.status = 404, .body = error_body(Api::anthropic, {404, {}, "no such path"})};
  const Asked& asked = **read;
  if (asked.what == Asked::What::models || asked.what == Asked::What::alive) {
    return look(asked, incoming);
  }
  Entry& entry = enter(asked, incoming, now);
  if (!script_.keys.empty() && std::ranges::find(script_.keys, entry.key) == script_.keys.end()) {
    return refuse(asked, {.status = 401}, entry, now);
  }
  if (asked.what == Asked::What::count) {
    const char* name = asked.api == Api::gemini ? "totalTokens" : "input_tokens";
    entry.status = 200;
    return {.number = entry.number,
            .body = json::serialize(json::object{{name, tokens_of(asked.bytes)}})};
  }
  const Chooser::Choice choice = chooser_.choose(asked, incoming.body);
  entry.rule = choice.rule < 0 ? "otherwise" : std::to_string(choice.rule);
  return answer(asked, *choice.step, entry, now);
}

Entry& Provider::enter(const Asked& asked, const Incoming& incoming, Time now) {
  Entry entry{.number = static_cast<std::int64_t>(entries_.size() + 1),
              .label = asked.label,
              .key = key_of(incoming),
              .task = asked.task,
              .model = asked.model,
              .target = std::string(incoming.target),
              .user_agent = header(incoming.headers, "user-agent"),
              .rule = {}};
  entry.api = asked.api;
  entry.streams = asked.streams;
  entry.bytes = asked.bytes;
  entry.tools = asked.tools.size();
  entry.started = now;
  entry.in_flight = ++in_flight_;
  if (script_.keep_bodies) {
    entry.body = incoming.body;
    entry.headers = incoming.headers;
  }
  entries_.push_back(std::move(entry));
  demands_.emplace_back();
  admitted_.push_back(false);
  prefixes_.emplace_back();
  changed_.notify_all();
  return entries_.back();
}

Answer Provider::answer(const Asked& asked, const Step& step, Entry& entry, Time now) {
  if (!step.raw.empty() || step.status == 0) {
    entry.status = step.status;
    return {.number = entry.number,
            .status = step.status,
            .headers = step.headers,
            .content_type = step.raw_type,
            .body = step.raw,
            .step = step};
  }
  if (step.status != 200) {
    Answer refused =
        refuse(asked, {step.status, step.code, step.message, step.retry_after}, entry, now);
    refused.headers.insert(refused.headers.end(), step.headers.begin(), step.headers.end());
    refused.step.wait = step.wait;
    return refused;
  }
  Used used = cache_.input_of(asked, now);
  if (step.usage) used = *step.usage;
  const Demand demand{
      used.input + used.cache_write + (script_.limits.counts_cached ? used.cache_read : 0),
      asked.output_max.value_or(4096)};
  if (const auto wait = quota_.admit(demand, now)) {
    return refuse(asked,
                  {429,
                   {},
                   fmt::format("This request would exceed the limit of {}", quota_.refused_by()),
                   *wait},
                  entry, now);
  }
  demands_[entry.number - 1] = demand;
  admitted_[entry.number - 1] = true;
  prefixes_[entry.number - 1] = asked.prefixes;
  entry.usage = used;
  return deliver(asked, step, entry, now);
}

Answer Provider::deliver(const Asked& asked, const Step& step, Entry& entry, Time now) {
  Reply reply = reply_to(asked, step, entry);
  if (!step.usage) entry.usage->output = output_of(reply);
  reply.used = step.told.value_or(*entry.usage);
  reply.tells_usage = step.tells_usage && asked.tells_usage;
  entry.status = 200;
  Answer answer{.number = entry.number, .headers = quota_.headers(asked.api, now)};
  answer.headers.insert(answer.headers.end(), step.headers.begin(), step.headers.end());
  answer.headers.emplace_back(asked.api == Api::anthropic ? "request-id" : "x-request-id",
                              fmt::format("req_{}", entry.number));
  answer.step = step;
  if (!asked.streams) {
    answer.body = body_of(asked.api, reply);
    if (reply.tells_usage && !step.cut_after && !step.garble_after) entry.told = reply.used;
    return answer;
  }
  answer.frames = frames_of(asked.api, reply);
  answer.frames.resize(answer.frames.size() - std::min(step.drop_last, answer.frames.size()));
  answer.as_array = asked.as_array;
  if (!asked.as_array) answer.content_type = "text/event-stream; charset=utf-8";
  if (step.fail_after) {
    answer.frames.resize(std::min(*step.fail_after, answer.frames.size()));
    answer.frames.push_back(error_frame(asked.api));
  }
  return answer;
}

Answer Provider::refuse(const Asked& asked, const Refused& refused, Entry& entry, Time now) {
  entry.status = refused.status;
  Answer answer{.number = entry.number,
                .status = refused.status,
                .headers = quota_.headers(asked.api, now),
                .body = error_body(asked.api, refused)};
  if (refused.retry_after && asked.api != Api::gemini) {
    // Whole seconds, rounded up, as HTTP has it; to the millisecond beside it, as OpenAI does.
    const auto whole = std::chrono::ceil<std::chrono::seconds>(*refused.retry_after);
    answer.headers.emplace_back("retry-after", std::to_string(whole.count()));
    if (asked.api != Api::anthropic) {
      const auto fine = std::chrono::ceil<std::chrono::milliseconds>(*refused.retry_after);
      answer.headers.emplace_back("retry-after-ms", std::to_string(fine.count()));
    }
  }
  return answer;
}

Answer Provider::look(const Asked& asked, const Incoming&) const {
  if (asked.what == Asked::What::alive) return {.body = "{}"};
  if (asked.api == Api::gemini) {
    return {.body = json::serialize(
                json::object{{"models", json::array{json::object{{"name", "models/test-model"},
                                                                 {"inputTokenLimit", 1'000'000},
                                                                 {"outputTokenLimit", 8192}}}}})};
  }
  return {.body = json::serialize(json::object{
              {"object", "list"},
              {"data", json::array{json::object{{"id", "test-model"},
                                                {"object", "model"},
                                                {"type", "model"},
                                                {"display_name", "Test model"},
                                                {"created", 1'750'000'000},
                                                {"created_at", "2025-06-15T00:00:00Z"}}}},
              {"has_more", false}})};
}

/// `/books`, and `/books/N` for the body and headers of a call, where they are kept.
Answer Provider::read_books(std::string_view target) const {
  if (target == "/books") return {.body = pretty_json(books_json(entries_, quota_.account()))};
  std::size_t number = 0;
  const std::string_view digits =
      target.substr(std::min(target.size(), std::string_view("/books/").size()));
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (number == 0 || number > entries_.size()) return {.status = 404, .body = "{}"};
  const Entry& entry = entries_[number - 1];
  json::object headers;
  for (const auto& [name, value] : entry.headers) headers[name] = value;
  return {.body = pretty_json(json::object{{"headers", headers}, {"body", entry.body}})};
}

void Provider::began(std::int64_t number, Time now) {
  const std::scoped_lock lock(mutex_);
  if (number == 0) return;
  entries_[number - 1].began = now;
  cache_.keep(std::exchange(prefixes_[number - 1], {}), now);
  changed_.notify_all();
}

void Provider::told(std::int64_t number, const Used& used) {
  const std::scoped_lock lock(mutex_);
  if (number == 0) return;
  entries_[number - 1].told = used;
}

void Provider::ended(std::int64_t number, CallEnd end, Time now) {
  const std::scoped_lock lock(mutex_);
  if (number == 0) return;
  Entry& entry = entries_[number - 1];
  check(entry.end == CallEnd::running, "a call ends once");
  entry.end = end;
  entry.ended = now;
  --in_flight_;
  if (admitted_[number - 1]) {
    quota_.settle(demands_[number - 1], entry.usage ? entry.usage->output : 0, now);
  }
  changed_.notify_all();
}

std::vector<Entry> Provider::entries() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

json::object Provider::books() const {
  const std::scoped_lock lock(mutex_);
  return books_json(entries_, quota_.account());
}

bool Provider::wait_until(const std::function<bool(const std::vector<Entry>&)>& holds,
                          Duration patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return holds(entries_); });
}

}  // namespace interlock::endpoint
