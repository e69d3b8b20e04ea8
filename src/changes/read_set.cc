#include "changes/read_set.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "changes/path_text.h"

namespace interlock::changes {

std::string_view name_of(ReadsFrom from) {
  switch (from) {
    case ReadsFrom::observed: return "observed";
    case ReadsFrom::declared: return "declared";
    case ReadsFrom::everything: return "everything";
  }
  return "";
}

namespace {

std::unexpected<Error> refuse(std::string message) {
  return fail(Error::Kind::invalid, std::move(message));
}

json::array json_of(const std::vector<std::string>& paths) {
  json::array list;
  for (const std::string& path : paths) {
    if (first_bad_utf8(path)) {
      list.push_back(json::object{{"path_base64", base64_of(path)}});
    } else {
      list.push_back(json::value(path));
    }
  }
  return list;
}

Result<std::string> path_from(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  const auto* object = value.if_object();
  if (object == nullptr) return refuse("it is neither a string nor an object");
  if (auto keys = check_keys(*object, {"path_base64"}); !keys) return std::unexpected(keys.error());
  const auto* encoded = object->at("path_base64").if_string();
  if (encoded == nullptr) return refuse("`path_base64` is no string");
  auto bytes = base64_bytes(*encoded);
  if (bytes && !first_bad_utf8(*bytes))
    return refuse("`path_base64` is for paths that are not UTF-8");
  return bytes;
}

Result<std::vector<std::string>> paths_from(const json::value& value) {
  const auto* list = value.if_array();
  if (list == nullptr) return refuse("it is no list");
  std::vector<std::string> paths;
  for (const json::value& one : *list) {
    const std::string where = fmt::format("path {}", paths.size() + 1);
    auto path = path_from(one);
    if (!path) return within(std::move(path.error()), where);
    // The empty path is the workspace itself, which can be looked at like any folder.
    if (!path->empty()) {
      if (auto sound = check_path(*path); !sound) return within(std::move(sound.error()), where);
    }
    if (!paths.empty() && paths.back() >= *path)
      return refuse(fmt::format("{} is not after the one before it", where));
    paths.push_back(std::move(*path));
  }
  return paths;
}

std::optional<ReadsFrom> reads_from(const json::value& value) {
  const auto* text = value.if_string();
  if (text == nullptr) return std::nullopt;
  for (const ReadsFrom from : {ReadsFrom::observed, ReadsFrom::declared, ReadsFrom::everything}) {
    if (*text == name_of(from)) return from;
  }
  return std::nullopt;
}

}  // namespace

std::string to_text(const ReadSet& reads) {
  return canonical_json(json::object{{"from", name_of(reads.from)},
                                     {"content", json_of(reads.content)},
                                     {"listing", json_of(reads.listing)},
                                     {"presence", json_of(reads.presence)}});
}

Result<ReadSet> read_set_from_text(std::string_view text) {
  const std::string tried = "cannot read the read set";
  auto parsed = parse_json(text);
  if (!parsed) return within(std::move(parsed.error()), tried);
  if (!parsed->is_object()) return refuse(tried + ": it is no object");
  const json::object& object = parsed->get_object();
  if (auto keys = check_keys(object, {"from", "content", "listing", "presence"}); !keys)
    return within(std::move(keys.error()), tried);
  ReadSet reads;
  const auto from = reads_from(object.at("from"));
  if (!from) return refuse(tried + ": `from` is not `observed`, `declared` or `everything`");
  reads.from = *from;
  const std::array lists{std::pair{"content", &reads.content}, std::pair{"listing", &reads.listing},
                         std::pair{"presence", &reads.presence}};
  for (const auto& [key, list] : lists) {
    auto paths = paths_from(object.at(key));
    if (!paths) return within(std::move(paths.error()), fmt::format("{}: `{}`", tried, key));
    *list = std::move(*paths);
  }
  return reads;
}

}  // namespace interlock::changes
