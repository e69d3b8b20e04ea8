#include "schema/document.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <optional>

#include "schema/uri.h"

namespace interlock::schema {
namespace {

std::optional<std::string> text_member(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->get_string());
}

std::string plain_segment(std::string_view segment) {
  std::string name;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool escaped = segment[i] == '~' && i + 1 < segment.size();
    if (escaped)
      name += segment[++i] == '1' ? '/' : '~';
    else
      name += segment[i];
  }
  return name;
}

const json::value* step(const json::value& value, const std::string& name) {
  if (value.is_object()) return value.get_object().if_contains(name);
  if (!value.is_array()) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole ? value.get_array().if_contains(index) : nullptr;
}

}  // namespace

std::string pointer_segment(std::string_view name) {
  std::string segment = "/";
  for (const char c : name) {
    if (c == '~')
      segment += "~0";
    else if (c == '/')
      segment += "~1";
    else
      segment += c;
  }
  return segment;
}

void visit_held(const Rule& rule, const json::value& value,
                const std::function<void(const json::value&, const std::string&)>& visit) {
  const bool list = rule.holds == Holds::list || rule.holds == Holds::schema_or_list;
  const bool by_name = rule.holds == Holds::by_name || rule.holds == Holds::schemas_or_names;
  if (list && value.is_array()) {
    std::size_t number = 0;
    for (const json::value& one : value.get_array()) visit(one, "/" + std::to_string(number++));
  } else if (by_name && value.is_object()) {
    for (const auto& [name, one] : value.get_object()) {
      if (!one.is_array()) visit(one, pointer_segment(name));
    }
  } else if (rule.holds == Holds::schema || rule.holds == Holds::schema_or_list) {
    visit(value, "");
  }
}

Document::Document(const json::value& root, Dialect dialect) : dialect_(dialect) {
  index(root, "", add_resource(root, ""));
}

std::uint32_t Document::add_resource(const json::value& schema, const std::string& uri) {
  const auto number = static_cast<std::uint32_t>(resources_.size());
  resources_.push_back({uri, &schema});
  by_uri_.emplace(uri, number);
  return number;
}

void Document::index(const json::value& schema, const std::string& pointer,
                     std::uint32_t resource) {
  Place& place = places_[&schema];
  place = {pointer, resource};
  if (!schema.is_object()) return;
  const json::object& object = schema.get_object();
  index_names(schema, object, place);
  const std::uint32_t inner = place.resource;
  for (const auto& [key, value] : object) {
    const Rule* rule = rule_named(key, dialect_);
    if (rule == nullptr) continue;
    visit_held(*rule, value, [&](const json::value& held, const std::string& below) {
      index(held, pointer + pointer_segment(rule->name) + below, inner);
    });
  }
}

void Document::index_names(const json::value& schema, const json::object& object, Place& place) {
  const bool overridden = dialect_ == Dialect::draft7 && object.contains("$ref");
  if (const auto text = text_member(object, "$id"); text && !overridden) {
    const SplitUri id = split_fragment(*text);
    if (!id.document.empty()) {
      const std::string uri = resolve_uri(resources_[place.resource].uri, id.document);
      place.resource = add_resource(schema, split_fragment(uri).document);
    }
    const bool is_anchor = dialect_ == Dialect::draft7 && !id.fragment.empty();
    if (is_anchor) anchors_.emplace(std::pair(place.resource, id.fragment), &schema);
  }
  if (dialect_ == Dialect::draft7) return;
  if (const auto name = text_member(object, "$anchor")) {
    anchors_.emplace(std::pair(place.resource, *name), &schema);
  }
  if (const auto name = text_member(object, "$dynamicAnchor")) {
    anchors_.emplace(std::pair(place.resource, *name), &schema);
    dynamic_anchors_.emplace(std::pair(place.resource, *name), &schema);
  }
}

const json::value* Document::dynamic_anchor(std::uint32_t resource, const std::string& name) const {
  const auto found = dynamic_anchors_.find({resource, name});
  return found == dynamic_anchors_.end() ? nullptr : found->second;
}

Result<const json::value*> Document::resolve(const json::value& from, std::string_view reference) {
  const std::string& base = resources_[place_of(from).resource].uri;
  const SplitUri target = split_fragment(resolve_uri(base, reference));
  const auto resource = by_uri_.find(target.document);
  if (resource == by_uri_.end()) {
    return fail(Error::Kind::invalid, fmt::format("`{}` is not in this document", reference),
                "schemas are never fetched: copy what is referred to into `$defs`, with its `$id`");
  }
  if (target.fragment.empty()) return resources_[resource->second].schema;
  if (target.fragment.starts_with('/')) return follow(resource->second, target.fragment, reference);
  const auto anchor = anchors_.find({resource->second, target.fragment});
  if (anchor == anchors_.end())
    return fail(Error::Kind::invalid, fmt::format("unresolved reference `{}`", reference));
  return anchor->second;
}

Result<const json::value*> Document::follow(std::uint32_t resource, const std::string& pointer,
                                            std::string_view reference) {
  const json::value* value = resources_[resource].schema;
  std::string walked = place_of(*value).pointer;
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    value = step(*value, plain_segment(std::string_view(pointer).substr(at + 1, end - at - 1)));
    if (value == nullptr)
      return fail(Error::Kind::invalid, fmt::format("unresolved reference `{}`", reference));
    walked += pointer.substr(at, end - at);
    if (const auto known = places_.find(value); known != places_.end())
      resource = known->second.resource;
    at = end;
  }
  if (!value->is_object() && !value->is_bool())
    return fail(Error::Kind::invalid, fmt::format("`{}` leads to no schema", reference));
  // A place that no keyword holds becomes a schema by being referred to.
  if (!places_.contains(value)) index(*value, walked, resource);
  return value;
}

}  // namespace interlock::schema
