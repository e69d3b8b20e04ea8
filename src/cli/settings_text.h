#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// Settings of other programs, to which a line of ours is added without touching a byte of the rest:
// JSON with comments and trailing commas, as editors and agents' clients keep it.
namespace interlock::cli {

/// A piece of text that was put into a document.
struct Added {
  std::size_t offset = 0;  ///< In the document before.
  std::string text;

  bool operator==(const Added&) const = default;
};

/// What to put in so that the member at `path` is `value`; objects on the way are made. Nothing: it
/// is there and equal. An error: the document is none, something on the way is no object, or the
/// member is there with another value. An empty document counts as `{}`.
Result<std::optional<Added>> add_member(std::string_view document,
                                        std::span<const std::string> path,
                                        const json::value& value);

/// Likewise for the list at `path`, which gets `value` as its last element; nothing where the text
/// of an element holds `mark`.
Result<std::optional<Added>> add_element(std::string_view document,
                                         std::span<const std::string> path,
                                         const json::value& value, std::string_view mark);

std::string with(std::string_view document, const Added& added);
/// Nothing where the text is not there any more, as a person has edited it.
std::optional<std::string> without(std::string_view document, const std::string& added);

}  // namespace interlock::cli
