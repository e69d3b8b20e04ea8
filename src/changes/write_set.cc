#include "changes/write_set.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "changes/path_text.h"

namespace interlock::changes {

std::string to_text(const WriteSet& writes) {
  return canonical_json(json::object{{"complete", writes.complete},
                                     {"paths", paths_to_json(writes.paths)},
                                     {"passing", paths_to_json(writes.passing)},
                                     {"updated", paths_to_json(writes.updated)}});
}

Result<WriteSet> write_set_from_text(std::string_view text) {
  const std::string tried = "cannot read the write set";
  auto parsed = parse_json(text);
  if (!parsed) return within(std::move(parsed.error()), tried);
  if (!parsed->is_object()) return fail(Error::Kind::invalid, tried + ": it is not an object");
  const json::object& object = parsed->get_object();
  const bool has_updated = object.contains("updated");
  auto keys = has_updated ? check_keys(object, {"complete", "paths", "passing", "updated"})
                          : check_keys(object, {"complete", "paths", "passing"});
  if (!keys) return within(std::move(keys.error()), tried);
  WriteSet writes;
  const bool* complete = object.at("complete").if_bool();
  if (complete == nullptr)
    return fail(Error::Kind::invalid, tried + ": `complete` is neither true nor false");
  writes.complete = *complete;
  const std::array lists{std::pair{"paths", &writes.paths}, std::pair{"passing", &writes.passing},
                         std::pair{has_updated ? "updated" : "paths", &writes.updated}};
  for (const auto& [key, list] : lists) {
    auto paths = paths_from_json(object.at(key));
    if (!paths) return within(std::move(paths.error()), fmt::format("{}: `{}`", tried, key));
    *list = std::move(*paths);
  }
  return writes;
}

}  // namespace interlock::changes
