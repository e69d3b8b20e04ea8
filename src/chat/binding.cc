#include "chat/binding.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace interlock::chat {

namespace {

constexpr std::string_view kMember = "answer";

bool is_for_objects(const json::value& schema) {
  if (!schema.is_object()) return false;
  const auto* type = schema.get_object().if_contains("type");
  return type != nullptr && *type == "object";
}

/// Definitions go to the top, where references look for them.
json::value wrapped(const json::value& schema) {
  json::object outer{{"type", "object"}};
  json::value inner = schema;
  if (inner.is_object()) {
    for (const char* definitions : {"$defs", "definitions"}) {
      if (const auto* found = inner.get_object().if_contains(definitions)) {
        outer[definitions] = *found;
        inner.get_object().erase(definitions);
      }
    }
  }
  outer["properties"] = json::object{{kMember, inner}};
  outer["required"] = json::array{kMember};
  outer["additionalProperties"] = false;
  return outer;
}

bool is_closed(const json::object& object) {
  const auto* more = object.if_contains("additionalProperties");
  if (more == nullptr || *more != false) return false;
  const auto* properties = object.if_contains("properties");
  if (properties == nullptr) return true;
  const auto* required = object.if_contains("required");
  if (!properties->is_object() || required == nullptr || !required->is_array()) return false;
  return std::ranges::all_of(properties->get_object(), [&](const auto& property) {
    return std::ranges::any_of(required->get_array(),
                               [&](const json::value& name) { return name == property.key(); });
  });
}

bool all_closed(const json::value& value) {
  if (value.is_array()) return std::ranges::all_of(value.get_array(), all_closed);
  if (!value.is_object()) return true;
  const json::object& object = value.get_object();
  if (is_for_objects(value) && !is_closed(object)) return false;
  return std::ranges::all_of(object, [](const auto& member) { return all_closed(member.value()); });
}

}  // namespace

Bound bind(metering::Api api, const std::optional<json::value>& schema) {
  if (!schema) return {};
  if (api == metering::Api::gemini || is_for_objects(*schema)) return {schema, false};
  return {wrapped(*schema), true};
}

bool holds_strictly(const json::value& schema) {
  return is_for_objects(schema) && all_closed(schema);
}

std::string unwrapped(std::string text) {
  const auto value = parse_json(text);
  if (!value || !value->is_object() || value->get_object().size() != 1) return text;
  const auto* answer = value->get_object().if_contains(kMember);
  return answer == nullptr ? text : json::serialize(*answer);
}

}  // namespace interlock::chat
