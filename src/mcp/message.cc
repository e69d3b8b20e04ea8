#include "mcp/message.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "mcp/tasks.h"

namespace interlock::mcp {
namespace {

constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

json::object envelope() { return {{"jsonrpc", "2.0"}}; }

std::string line_of(const json::object& message) { return json::serialize(message) + "\n"; }

bool is_id(const json::value& id) { return id.is_string() || id.is_int64() || id.is_uint64(); }

const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

/// Versions that are asked for by name, the newest first.
json::array supported() {
  json::array versions{kStateless};
  for (const std::string_view version : kWithHandshake) versions.emplace_back(version);
  return versions;
}

/// Each request of the stateless era stands for itself; what it lacks is told.
std::optional<Rejected> refused_as_stateless(const Request& request, const json::object& meta,
                                             const json::value& version) {
  if (!version.is_string())
    return Rejected{
        error_line(request.id, Code::bad_parameters, "the protocol version is not text")};
  if (version.get_string() != kStateless) {
    return Rejected{error_line(request.id, Code::unknown_version,
                               "this protocol version is not served",
                               json::object{{"supported", supported()}, {"requested", version}})};
  }
  if (object_at(meta, kCapabilitiesKey) == nullptr) {
    return Rejected{
        error_line(request.id, Code::bad_parameters,
                   "`_meta` says nothing of `io.modelcontextprotocol/clientCapabilities`")};
  }
  return std::nullopt;
}

}  // namespace

Message read_message(std::string_view line) {
  if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return Ignored{};
  auto parsed = parse_json(line);
  if (!parsed) {
    return Rejected{error_line(nullptr, Code::not_json, "not JSON: " + parsed.error().message)};
  }
  const auto malformed = [](std::string_view why) {
    return Rejected{error_line(nullptr, Code::not_a_request, why)};
  };
  if (!parsed->is_object()) return malformed("a message is one object a line");
  json::object& object = parsed->get_object();
  const json::value* method = object.if_contains("method");
  if (method == nullptr && (object.contains("result") || object.contains("error")))
    return Ignored{};
  if (method == nullptr || !method->is_string()) return malformed("a message has a `method`");
  json::object params;
  if (const json::value* given = object.if_contains("params")) {
    if (!given->is_object()) return malformed("`params` is not an object");
    params = given->get_object();
  }
  const std::string name(method->get_string());
  const json::value* id = object.if_contains("id");
  if (id == nullptr) return Notification{name, std::move(params)};
  if (!is_id(*id)) return malformed("an `id` is text or a whole number");
  Request request{.id = *id, .method = name, .params = std::move(params)};
  const json::object* meta = object_at(request.params, "_meta");
  if (meta == nullptr) return request;
  if (const json::value* token = meta->if_contains("progressToken");
      token != nullptr && is_id(*token))
    request.progress_token = *token;
  const json::value* version = meta->if_contains(kVersionKey);
  if (version == nullptr) return request;
  request.is_stateless = true;
  if (auto refused = refused_as_stateless(request, *meta, *version)) return *refused;
  const json::object& can = *object_at(*meta, kCapabilitiesKey);
  const json::object* extensions = object_at(can, "extensions");
  request.takes_tasks = extensions != nullptr && object_at(*extensions, kTasks) != nullptr;
  const json::object* elicitation = object_at(can, "elicitation");
  request.asks_people =
      elicitation != nullptr && (elicitation->empty() || elicitation->contains("form"));
  return request;
}

std::string answer_line(const Request& request, json::object result, std::string_view type) {
  if (request.is_stateless) result["resultType"] = type;
  json::object message = envelope();
  message["id"] = request.id;
  message["result"] = std::move(result);
  return line_of(message);
}

std::string error_line(const json::value& id, Code code, std::string_view message,
                       json::value data) {
  json::object error{{"code", static_cast<int>(code)}, {"message", message}};
  if (!data.is_null()) error["data"] = std::move(data);
  json::object whole = envelope();
  whole["id"] = id;
  whole["error"] = std::move(error);
  return line_of(whole);
}

std::string notification_line(std::string_view method, json::object params) {
  json::object message = envelope();
  message["method"] = method;
  message["params"] = std::move(params);
  return line_of(message);
}

std::string_view negotiated(std::string_view asked) {
  const auto known = std::ranges::find(kWithHandshake, asked);
  return known != std::end(kWithHandshake) ? *known : kWithHandshake[0];
}

}  // namespace interlock::mcp
