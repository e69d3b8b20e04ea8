#include "merge/ways.h"

namespace interlock::merge {

Result<std::string> list(std::span<const Part> parts) {
  json::array joined;
  joined.reserve(parts.size());
  for (const Part& part : parts) {
    auto value = parse(part);
    if (!value) return std::unexpected(value.error());
    joined.push_back(std::move(*value));
  }
  return canonical_json(joined);
}

}  // namespace interlock::merge
