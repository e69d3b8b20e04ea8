#include "changes/path_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "footprint/glob.h"

namespace interlock::changes {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string shown(std::string_view text) { return elide_middle(printable(text), 60); }

std::unexpected<Error> refuse(std::string message) {
  return fail(Error::Kind::invalid, std::move(message));
}

Result<std::string> path_from(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  const auto* object = value.if_object();
  if (object == nullptr) return refuse("it is neither a string nor an object");
  if (auto keys = check_keys(*object, {"path_base64"}); !keys) return std::unexpected(keys.error());
  const auto* encoded = object->at("path_base64").if_string();
  if (encoded == nullptr) return refuse("`path_base64` is not a string");
  auto bytes = base64_bytes(*encoded);
  if (bytes && !first_bad_utf8(*bytes))
    return refuse("`path_base64` is for paths that are not UTF-8");
  return bytes;
}

}  // namespace

std::string base64_of(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= group.size() ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

Result<std::string> base64_bytes(std::string_view text) {
  const auto refuse = [&] {
    return fail(Error::Kind::invalid, fmt::format("`{}` is not base64", shown(text)));
  };
  if (text.size() % 4 != 0) return refuse();
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::string_view group = text.substr(at, 4);
    // Padding ends the text, and only it does.
    if (at + 4 == text.size()) group = group.substr(0, group.find_last_not_of('=') + 1);
    if (group.size() < 2) return refuse();
    std::uint32_t bits = 0;
    for (const char next : group) {
      const std::size_t value = kAlphabet.find(next);
      if (value == std::string_view::npos) return refuse();
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    bits <<= 6 * (4 - group.size());
    for (std::size_t i = 0; i + 1 < group.size(); ++i)
      bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xff);
    if ((bits & ((1U << (8 * (4 - group.size()))) - 1)) != 0) return refuse();
  }
  return bytes;
}

bool is_in_git_folder(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == ".git") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

Result<void> check_path(std::string_view path) {
  if (!footprint::is_path(path)) {
    return fail(Error::Kind::invalid,
                fmt::format("`{}` is not a path in a workspace", shown(path)));
  }
  if (is_in_git_folder(path)) {
    return fail(Error::Kind::invalid,
                fmt::format("`{}` is in a `.git`, which is never recorded", shown(path)));
  }
  return {};
}

Result<void> check_keys(const json::object& object, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(keys, std::string_view(key)) == keys.end())
      return fail(Error::Kind::invalid, fmt::format("the key `{}` is not known", shown(key)));
  }
  for (const std::string_view key : keys) {
    if (!object.contains(key))
      return fail(Error::Kind::invalid, fmt::format("the key `{}` is missing", key));
  }
  return {};
}

json::array paths_to_json(const std::vector<std::string>& paths) {
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

Result<std::vector<std::string>> paths_from_json(const json::value& value) {
  const auto* list = value.if_array();
  if (list == nullptr) return refuse("it is not a list");
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

}  // namespace interlock::changes
