#include "gateway/difference.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace interlock::gateway {
namespace {

constexpr std::size_t kShown = 60;

std::string shown(const json::value* value) {
  return value == nullptr ? "nothing" : elide_middle(printable(canonical_json(*value)), kShown);
}

std::string reported(const std::string& path, const json::value* recorded, const json::value* now) {
  return fmt::format("{}: recorded {}, now {}", path, shown(recorded), shown(now));
}

constexpr std::size_t kBefore = 20;  ///< Bytes shown before the first that differs.

/// A part of a long text that begins shortly before byte `at`; never in the middle of a character.
std::string part_from(std::string_view text, std::size_t at) {
  std::size_t begin = at > kBefore ? at - kBefore : 0;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  const std::string_view part = text.substr(begin, kBefore + kShown);
  return fmt::format("{}\"{}\"", begin == 0 ? "" : "\u2026",
                     elide_middle(printable(std::string(part)), kShown));
}

/// The ends of two long texts tell nothing of where they differ.
std::string reported_texts(const std::string& path, std::string_view recorded,
                           std::string_view now) {
  const auto differs = std::ranges::mismatch(recorded, now);
  const auto at = static_cast<std::size_t>(differs.in1 - recorded.begin());
  return fmt::format("{} at byte {}: recorded {}, now {}", path, at, part_from(recorded, at),
                     part_from(now, at));
}

std::string difference_at(const std::string& path, const json::value& recorded,
                          const json::value& now);

std::string difference_of(const std::string& path, const json::object& recorded,
                          const json::object& now) {
  for (const auto& [key, value] : recorded) {
    const std::string below = fmt::format("{}.{}", path, std::string_view(key));
    const json::value* const other = now.if_contains(key);
    if (other == nullptr) return reported(below, &value, nullptr);
    if (std::string found = difference_at(below, value, *other); !found.empty()) return found;
  }
  for (const auto& [key, value] : now) {
    if (recorded.contains(key)) continue;
    return reported(fmt::format("{}.{}", path, std::string_view(key)), nullptr, &value);
  }
  return {};
}

std::string difference_of(const std::string& path, const json::array& recorded,
                          const json::array& now) {
  for (std::size_t i = 0; i < std::max(recorded.size(), now.size()); ++i) {
    const std::string below = fmt::format("{}[{}]", path, i);
    const json::value* const one = recorded.if_contains(i);
    const json::value* const other = now.if_contains(i);
    if (one == nullptr || other == nullptr) return reported(below, one, other);
    if (std::string found = difference_at(below, *one, *other); !found.empty()) return found;
  }
  return {};
}

std::string difference_at(const std::string& path, const json::value& recorded,
                          const json::value& now) {
  if (recorded.is_object() && now.is_object())
    return difference_of(path, recorded.get_object(), now.get_object());
  if (recorded.is_array() && now.is_array())
    return difference_of(path, recorded.get_array(), now.get_array());
  if (recorded.is_string() && now.is_string() && recorded != now &&
      std::max(recorded.get_string().size(), now.get_string().size()) > kShown)
    return reported_texts(path, recorded.get_string(), now.get_string());
  return canonical_json(recorded) == canonical_json(now) ? "" : reported(path, &recorded, &now);
}

}  // namespace

std::string first_difference(const json::value& recorded, const json::value& now) {
  return difference_at("$", recorded, now);
}

}  // namespace interlock::gateway
