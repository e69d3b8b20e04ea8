#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "merge/ways.h"

namespace interlock::merge {
namespace {

std::string concat_text(std::span<const Part> parts) {
  std::string joined;
  for (const Part& part : parts) {
    if (part.content.empty()) continue;
    if (!joined.empty() && joined.back() != '\n') joined += '\n';
    joined += part.content;
  }
  return joined;
}

}  // namespace

Result<std::string> concat(std::span<const Part> parts) {
  json::array joined;
  std::size_t arrays = 0;
  const Part* object = nullptr;
  for (const Part& part : parts) {
    const auto value = parse_json(part.content);
    // Anything else is text, also what happens to be a number.
    if (!value || !(value->is_array() || value->is_object())) return concat_text(parts);
    if (value->is_object()) object = &part;
    if (!value->is_array()) continue;
    ++arrays;
    std::ranges::copy(value->get_array(), std::back_inserter(joined));
  }
  if (arrays == 0) return concat_text(parts);
  if (object != nullptr) {
    return fail(Error::Kind::invalid,
                fmt::format("output of `{}` is an object where others are arrays", object->task),
                "let all of them give arrays");
  }
  return canonical_json(joined);
}

}  // namespace interlock::merge
