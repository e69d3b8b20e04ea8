#include "changes/read_set.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

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
                                     {"content", paths_to_json(reads.content)},
                                     {"listing", paths_to_json(reads.listing)},
                                     {"presence", paths_to_json(reads.presence)}});
}

Result<ReadSet> read_set_from_text(std::string_view text) {
  const std::string tried = "cannot read the read set";
  auto parsed = parse_json(text);
  if (!parsed) return within(std::move(parsed.error()), tried);
  if (!parsed->is_object()) return refuse(tried + ": it is not an object");
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
    auto paths = paths_from_json(object.at(key));
    if (!paths) return within(std::move(paths.error()), fmt::format("{}: `{}`", tried, key));
    *list = std::move(*paths);
  }
  return reads;
}

}  // namespace interlock::changes
