#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace interlock::plan {

/// What `{item}`, its parts and `{index}` stand for in one task of a `foreach`.
struct ItemNames {
  std::string path, name, stem, extension, folder;
  std::size_t index = 0;  ///< From 1.
  std::map<std::string, std::string, std::less<>>
      members;             ///< Of an item that is a JSON object: `{item.member}`.
  bool is_sample = false;  ///< Of an item that is not known: it has all members.

  static ItemNames of(const std::string& path, std::size_t index);
  /// Of a JSON value: a text is taken as it is, anything else as JSON.
  static ItemNames of_json(const std::string& item, std::size_t index);
  std::optional<std::string> find(std::string_view placeholder) const;
};

/// Whether the name belongs to `foreach`, be it one there is or not: `item.stem`, `item.colour`.
bool is_of_item(std::string_view placeholder);

/// Those there are.
const std::vector<std::string>& item_placeholders();

}  // namespace interlock::plan
