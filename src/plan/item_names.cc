#include "plan/item_names.h"

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

std::optional<std::string> ItemNames::find(std::string_view placeholder) const {
  if (placeholder == "item") return path;
  if (placeholder == "item.name") return name;
  if (placeholder == "item.stem") return stem;
  if (placeholder == "item.ext") return extension;
  if (placeholder == "item.dir") return folder;
  if (placeholder == "index") return std::to_string(index);
  return std::nullopt;
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
