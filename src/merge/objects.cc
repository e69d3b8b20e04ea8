#include <fmt/format.h>

#include <map>

#include "merge/ways.h"

namespace interlock::merge {

Result<std::string> unite_objects(std::span<const Part> parts) {
  json::object joined;
  std::map<std::string, const Part*, std::less<>> origin;
  for (const Part& part : parts) {
    const auto value = parse(part);
    if (!value) return std::unexpected(value.error());
    if (!value->is_object()) {
      return fail(Error::Kind::invalid,
                  fmt::format("output of `{}` is {}, not an object", part.task, kind_of(*value)));
    }
    for (const auto& [key, member] : value->get_object()) {
      const auto [first, is_new] = origin.emplace(std::string(key), &part);
      if (is_new) {
        joined[key] = member;
      } else if (canonical_json(joined[key]) != canonical_json(member)) {
        return fail(Error::Kind::invalid,
                    fmt::format("`{}` and `{}` give different values for key `{}`",
                                first->second->task, part.task, first->first),
                    "let only one of them give it, or join with an agent");
      }
    }
  }
  return canonical_json(joined);
}

}  // namespace interlock::merge
