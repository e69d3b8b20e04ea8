#include "plan/item_names.h"

#include <boost/json/serialize.hpp>

#include "base/json.h"

namespace interlock::plan {

ItemNames ItemNames::of(const std::string& path, std::size_t index) {
  ItemNames names{.path = path, .name = path, .folder = ".", .index = index};
  if (const auto slash = path.rfind('/'); slash != path.npos) {
    names.name = path.substr(slash + 1);
    names.folder = path.substr(0, slash);
  }
  names.stem = names.name;
  // The dot of `.profile` begins a name, not an extension.
  if (const auto dot = names.name.rfind('.'); dot != path.npos && dot > 0) {
    names.stem = names.name.substr(0, dot);
    names.extension = names.name.substr(dot + 1);
  }
  return names;
}

ItemNames ItemNames::of_json(const std::string& item, std::size_t index) {
  const auto text_of = [](const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
  };
  const auto value = parse_json(item);
  if (!value) return of(item, index);
  ItemNames names = of(text_of(*value), index);
  if (const auto* object = value->if_object()) {
    for (const auto& member : *object) names.members[member.key()] = text_of(member.value());
  }
  return names;
}

std::optional<std::string> ItemNames::find(std::string_view placeholder) const {
  if (placeholder.starts_with("item.")) {
    if (const auto found = members.find(placeholder.substr(5)); found != members.end())
      return found->second;
  }
  if (placeholder == "item") return path;
  if (placeholder == "item.name") return name;
  if (placeholder == "item.stem") return stem;
  if (placeholder == "item.ext") return extension;
  if (placeholder == "item.dir") return folder;
  if (placeholder == "index") return std::to_string(index);
  return is_sample && is_of_item(placeholder) ? std::optional(path) : std::nullopt;
}

bool is_of_item(std::string_view placeholder) {
  return placeholder == "item" || placeholder == "index" || placeholder.starts_with("item.");
}

const std::vector<std::string>& item_placeholders() {
  static const std::vector<std::string> kNames = {"item.stem", "item.name", "item.dir",
                                                  "item.ext",  "item",      "index"};
  return kNames;
}

}  // namespace interlock::plan
