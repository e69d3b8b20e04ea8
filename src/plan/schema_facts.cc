#include "plan/schema_facts.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace interlock::plan {

namespace {

/// Deeper references and combinations are not followed: the answer is then `anything`.
constexpr int kDeepest = 16;

const json::value* member(const json::value& schema, std::string_view name) {
  return schema.is_object() ? schema.get_object().if_contains(name) : nullptr;
}

unsigned kind_named(std::string_view word) {
  if (word == "null") return JsonKinds::null;
  if (word == "boolean") return JsonKinds::boolean;
  if (word == "number" || word == "integer") return JsonKinds::number;
  if (word == "string") return JsonKinds::string;
  if (word == "array") return JsonKinds::array;
  if (word == "object") return JsonKinds::object;
  return JsonKinds::all;
}

unsigned kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return JsonKinds::null;
    case json::kind::bool_: return JsonKinds::boolean;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return JsonKinds::number;
    case json::kind::string: return JsonKinds::string;
    case json::kind::array: return JsonKinds::array;
    case json::kind::object: return JsonKinds::object;
  }
  return JsonKinds::all;
}

unsigned kinds_in_type(const json::value& type) {
  if (type.is_string()) return kind_named(type.get_string());
  if (!type.is_array()) return JsonKinds::all;
  unsigned kinds = 0;
  for (const json::value& one : type.get_array())
    kinds |= one.is_string() ? kind_named(one.get_string()) : JsonKinds::all;
  return kinds;
}

}  // namespace

std::string say_kinds(unsigned kinds) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "null", "true or false", "a number", "a string", "an array", "an object"};
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if ((kinds >> bit & 1U) != 0) names.emplace_back(kNames[bit]);
  }
  std::string text = join_words(names, names.size());
  if (const auto last = text.rfind(" and "); last != text.npos) text.replace(last, 5, " or ");
  return text;
}

SchemaFacts::SchemaFacts(std::string_view text) {
  if (auto parsed = parse_json(text)) root_ = std::move(*parsed);
}

/// What a `$ref` within the document leads to; the schema itself without one; nothing: it cannot be
/// told.
const json::value* SchemaFacts::resolved(const json::value& schema, int depth) const {
  const json::value* at = &schema;
  for (; depth < kDeepest; ++depth) {
    const json::value* reference = member(*at, "$ref");
    if (reference == nullptr) return at;
    if (!reference->is_string()) return nullptr;
    const std::string_view text = reference->get_string();
    if (!text.starts_with('#') || text.contains('%')) return nullptr;
    boost::system::error_code wrong;
    at = root_.find_pointer(text.substr(1), wrong);
    if (wrong || at == nullptr) return nullptr;
  }
  return nullptr;
}

unsigned SchemaFacts::kinds_of(const json::value& schema, int depth) const {
  if (depth > kDeepest) return JsonKinds::all;
  const json::value* at = resolved(schema, depth);
  if (at == nullptr || !at->is_object()) return JsonKinds::all;
  unsigned kinds = JsonKinds::all;
  if (const json::value* type = member(*at, "type")) kinds &= kinds_in_type(*type);
  if (const json::value* only = member(*at, "const")) kinds &= kind_of(*only);
  if (const json::value* some = member(*at, "enum"); some != nullptr && some->is_array()) {
    unsigned any = 0;
    for (const json::value& one : some->get_array()) any |= kind_of(one);
    kinds &= any;
  }
  for (const std::string_view name : {"anyOf", "oneOf", "allOf"}) {
    const json::value* list = member(*at, name);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) continue;
    const bool all = name == "allOf";
    unsigned together = all ? JsonKinds::all : 0;
    for (const json::value& one : list->get_array()) {
      const unsigned its = kinds_of(one, depth + 1);
      together = all ? together & its : together | its;
    }
    kinds &= together;
  }
  return kinds == 0 ? JsonKinds::all : kinds;  // Nothing would fit: that is another problem.
}

const json::value* SchemaFacts::items_of(const json::value& schema) const {
  const json::value* at = resolved(schema, 0);
  if (at == nullptr || member(*at, "prefixItems") != nullptr) return nullptr;
  const json::value* items = member(*at, "items");
  return items == nullptr || !items->is_object() ? nullptr : items;
}

unsigned SchemaFacts::item_kinds() const {
  const json::value* items = items_of(root_);
  return items == nullptr ? JsonKinds::all : kinds_of(*items, 0);
}

void SchemaFacts::add_required(const json::value& schema, int depth,
                               std::map<std::string, std::optional<std::string>>& into) const {
  const json::value* at = depth > kDeepest ? nullptr : resolved(schema, depth);
  if (at == nullptr) return;
  if (const json::value* names = member(*at, "required"); names != nullptr && names->is_array()) {
    for (const json::value& name : names->get_array()) {
      if (!name.is_string()) continue;
      auto& only = into[std::string(name.get_string())];
      const json::value* properties = member(*at, "properties");
      const json::value* property =
          properties == nullptr ? nullptr : member(*properties, name.get_string());
      const json::value* value = property == nullptr ? nullptr : member(*property, "const");
      if (value != nullptr) only = canonical_json(*value);
    }
  }
  if (const json::value* all = member(*at, "allOf"); all != nullptr && all->is_array()) {
    for (const json::value& one : all->get_array()) add_required(one, depth + 1, into);
  }
}

std::map<std::string, std::optional<std::string>> SchemaFacts::required() const {
  std::map<std::string, std::optional<std::string>> names;
  add_required(root_, 0, names);
  return names;
}

std::optional<std::set<std::string>> SchemaFacts::item_members() const {
  const json::value* items = items_of(root_);
  const json::value* at = items == nullptr ? nullptr : resolved(*items, 0);
  if (at == nullptr || member(*at, "patternProperties") != nullptr) return std::nullopt;
  const json::value* others = member(*at, "additionalProperties");
  const json::value* properties = member(*at, "properties");
  const bool closed = others != nullptr && others->is_bool() && !others->get_bool();
  if (!closed || properties == nullptr || !properties->is_object()) return std::nullopt;
  std::set<std::string> names;
  for (const auto& [name, schema] : properties->get_object()) names.emplace(name);
  return names;
}

}  // namespace interlock::plan
