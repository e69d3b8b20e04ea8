#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/text.h"
#include "changes/changeset.h"
#include "changes/path_text.h"

// Changesets as JSON. What is written is read again as it was; what was not written so is refused,
// because a changeset decides what becomes of somebody's files.
namespace interlock::changes {

namespace {

constexpr std::uint32_t kModeMax = 07777;
constexpr std::array kKinds{Kind::file, Kind::folder, Kind::link, Kind::other};

json::value json_of(const State& state) {
  if (state.kind == Kind::absent) return nullptr;
  return json::object{{"kind", name_of(state.kind)},
                      {"mode", state.mode},
                      {"size", state.size},
                      {"digest", state.digest.hex()}};
}

std::unexpected<Error> refuse(std::string message) {
  return fail(Error::Kind::invalid, std::move(message));
}

Result<Kind> kind_from(const json::value& value) {
  if (value.is_string()) {
    for (const Kind kind : kKinds) {
      if (value.get_string() == name_of(kind)) return kind;
    }
  }
  return refuse("`kind` is not `file`, `folder`, `link` or `other`");
}

/// What a state says must go with its kind, or equal states would have more than one text.
Result<void> check_state(const State& state) {
  const bool has_bytes = state.kind == Kind::file || state.kind == Kind::link;
  if (!has_bytes && (state.size != 0 || state.digest != Digest{}))
    return refuse(fmt::format("a {} has neither size nor digest", name_of(state.kind)));
  if (state.kind == Kind::link && state.mode != 0) return refuse("a link has no mode");
  return {};
}

Result<State> state_from(const json::value& value) {
  if (value.is_null()) return State{};
  if (!value.is_object()) return refuse("it is neither an object nor null");
  const json::object& object = value.get_object();
  if (auto keys = check_keys(object, {"kind", "mode", "size", "digest"}); !keys)
    return std::unexpected(keys.error());
  State state;
  const auto kind = kind_from(object.at("kind"));
  if (!kind) return std::unexpected(kind.error());
  state.kind = *kind;
  const auto* mode = object.at("mode").if_int64();
  if (mode == nullptr || *mode < 0 || *mode > kModeMax)
    return refuse(fmt::format("`mode` is not between 0 and {}", kModeMax));
  state.mode = static_cast<std::uint32_t>(*mode);
  const auto* size = object.at("size").if_int64();
  if (size == nullptr || *size < 0) return refuse("`size` is not a number of bytes");
  state.size = *size;
  const auto* hex = object.at("digest").if_string();
  const auto digest = hex == nullptr ? std::nullopt : Digest::from_hex(*hex);
  // Upper-case digits would be a second text of the same digest.
  if (!digest || digest->hex() != *hex) return refuse("`digest` is not 64 hexadecimal digits");
  state.digest = *digest;
  if (auto sound = check_state(state); !sound) return std::unexpected(sound.error());
  return state;
}

Result<std::string> path_from(const json::object& object) {
  const bool is_encoded = object.contains("path_base64");
  const auto* text = object.at(is_encoded ? "path_base64" : "path").if_string();
  if (text == nullptr) return refuse("the path is not a string");
  std::string path(*text);
  if (is_encoded) {
    auto bytes = base64_bytes(path);
    if (!bytes) return bytes;
    if (!first_bad_utf8(*bytes)) return refuse("`path_base64` is for paths that are not UTF-8");
    path = std::move(*bytes);
  }
  if (auto sound = check_path(path); !sound) return std::unexpected(sound.error());
  return path;
}

Result<Change> change_from(const json::value& value) {
  if (!value.is_object()) return refuse("it is not an object");
  const json::object& object = value.get_object();
  const char* path_key = object.contains("path_base64") ? "path_base64" : "path";
  if (auto keys = check_keys(object, {path_key, "before", "after"}); !keys)
    return std::unexpected(keys.error());
  Change change;
  auto path = path_from(object);
  if (!path) return std::unexpected(path.error());
  change.path = std::move(*path);
  for (const auto& [key, state] :
       {std::pair{"before", &change.before}, std::pair{"after", &change.after}}) {
    auto read = state_from(object.at(key));
    if (!read) return within(std::move(read.error()), fmt::format("`{}`", key));
    *state = *read;
  }
  if (change.before == change.after) return refuse("before and after are the same");
  return change;
}

}  // namespace

std::string to_text(const Changeset& changeset) {
  json::array changes;
  for (const Change& change : changeset.changes) {
    json::object object{{"before", json_of(change.before)}, {"after", json_of(change.after)}};
    if (first_bad_utf8(change.path)) {
      object["path_base64"] = base64_of(change.path);
    } else {
      object["path"] = change.path;
    }
    changes.push_back(std::move(object));
  }
  return canonical_json(json::object{{"changes", std::move(changes)}});
}

Result<Changeset> changeset_from_text(std::string_view text) {
  constexpr std::string_view kTried = "cannot read the changeset";
  auto parsed = parse_json(text);
  if (!parsed) return within(std::move(parsed.error()), std::string(kTried));
  if (!parsed->is_object()) return refuse(fmt::format("{}: it is not an object", kTried));
  const json::object& object = parsed->get_object();
  if (auto keys = check_keys(object, {"changes"}); !keys)
    return within(std::move(keys.error()), std::string(kTried));
  const auto* list = object.at("changes").if_array();
  if (list == nullptr) return refuse(fmt::format("{}: `changes` is not a list", kTried));
  Changeset changeset;
  for (const json::value& value : *list) {
    const std::string where = fmt::format("{}: change {}", kTried, changeset.changes.size() + 1);
    auto change = change_from(value);
    if (!change) return within(std::move(change.error()), where);
    if (!changeset.empty() && changeset.changes.back().path >= change->path)
      return refuse(fmt::format("{}: its path is not after the one before it", where));
    changeset.changes.push_back(std::move(*change));
  }
  return changeset;
}

}  // namespace interlock::changes
