#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "schema/format.h"
#include "schema/number.h"
#include "schema/rules.h"

namespace interlock::schema {
namespace {

struct TypeName {
  std::string_view name, words;
};
constexpr std::array<TypeName, 7> kTypes{{{"null", "null"},
                                          {"boolean", "true or false"},
                                          {"object", "an object"},
                                          {"array", "an array"},
                                          {"number", "a number"},
                                          {"integer", "a whole number"},
                                          {"string", "a string"}}};

bool is_of(const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  return type == "integer" ? is_integer(value) : value.is_number();
}

std::string_view words_for(std::string_view type) {
  return std::ranges::find(kTypes, type, &TypeName::name)->words;
}

/// `a`, `a or b`, `a, b or c`.
std::string alternatives(const std::vector<std::string>& words) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), kMost); ++i) {
    const bool last = i + 1 == words.size();
    text += (i == 0 ? "" : last ? " or " : ", ") + elide_middle(words[i], 40);
  }
  return words.size() > kMost ? fmt::format("{} or {} more", text, words.size() - kMost) : text;
}

/// Characters, not bytes (RFC 8259: a string is a sequence of code points).
std::uint64_t length_of(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool check_bound(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                 bool (*fits)(int), std::string_view words) {
  if (!value.is_number() || fits(compare_numbers(value, *keyword.value))) return true;
  return evaluation.expected(value, fmt::format("{} {}", words, canonical_json(*keyword.value)));
}

}  // namespace

Result<std::uint64_t> count_of(const json::value& value) {
  if (!value.is_number() || !is_integer(value) || compare_numbers(value, 0) < 0)
    return should_be("a whole number, not negative");
  if (value.is_double()) return static_cast<std::uint64_t>(std::min(value.get_double(), 9e18));
  return value.is_int64() ? static_cast<std::uint64_t>(value.get_int64()) : value.get_uint64();
}

Result<void> prepare_type(Compiler&, const json::object&, Keyword& keyword) {
  json::array list;
  if (keyword.value->is_array())
    list = keyword.value->get_array();
  else
    list.push_back(*keyword.value);
  for (const json::value& one : list) {
    const bool known =
        one.is_string() && std::ranges::find(kTypes, std::string_view(one.get_string()),
                                             &TypeName::name) != kTypes.end();
    if (!known)
      return should_be(
          "`null`, `boolean`, `object`, `array`, `number`, `integer`, `string`, or a list of "
          "these");
    keyword.texts.emplace_back(one.get_string());
  }
  return {};
}
bool check_type(const Keyword& keyword, const json::value& value, Evaluation& evaluation, Seen&) {
  if (std::ranges::any_of(keyword.texts,
                          [&](const std::string& type) { return is_of(value, type); }))
    return true;
  if (!evaluation.is_heard()) return false;
  std::vector<std::string> words;
  for (const std::string& type : keyword.texts) words.emplace_back(words_for(type));
  return evaluation.expected(value, alternatives(words));
}

Result<void> prepare_enum(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_array()) return should_be("a list of values");
  for (const json::value& one : keyword.value->get_array())
    keyword.texts.push_back(canonical_json(one));
  return {};
}
Result<void> prepare_const(Compiler&, const json::object&, Keyword& keyword) {
  keyword.texts.push_back(canonical_json(*keyword.value));
  return {};
}
bool check_enum(const Keyword& keyword, const json::value& value, Evaluation& evaluation, Seen&) {
  if (std::ranges::find(keyword.texts, canonical_json(value)) != keyword.texts.end()) return true;
  return evaluation.expected(value, alternatives(keyword.texts));
}

Result<void> prepare_number(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_number()) return should_be("a number");
  return {};
}
bool check_maximum(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                   Seen&) {
  return check_bound(keyword, value, evaluation, [](int order) { return order <= 0; }, "at most");
}
bool check_minimum(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                   Seen&) {
  return check_bound(keyword, value, evaluation, [](int order) { return order >= 0; }, "at least");
}
bool check_exclusive_maximum(const Keyword& keyword, const json::value& value,
                             Evaluation& evaluation, Seen&) {
  return check_bound(keyword, value, evaluation, [](int order) { return order < 0; }, "less than");
}
bool check_exclusive_minimum(const Keyword& keyword, const json::value& value,
                             Evaluation& evaluation, Seen&) {
  return check_bound(keyword, value, evaluation, [](int order) { return order > 0; }, "more than");
}

Result<void> prepare_multiple(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_number() || compare_numbers(*keyword.value, 0) <= 0)
    return should_be("a number above zero");
  return {};
}
bool check_multiple(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                    Seen&) {
  if (!value.is_number() || is_multiple(value, *keyword.value)) return true;
  return evaluation.expected(value,
                             fmt::format("a multiple of {}", canonical_json(*keyword.value)));
}

Result<void> prepare_count(Compiler&, const json::object&, Keyword& keyword) {
  const auto count = count_of(*keyword.value);
  if (!count) return std::unexpected(count.error());
  keyword.least = keyword.most = *count;
  return {};
}
bool check_max_length(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                      Seen&) {
  if (!value.is_string() || length_of(value.get_string()) <= keyword.most) return true;
  return evaluation.expected(value, fmt::format("at most {} characters", keyword.most));
}
bool check_min_length(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                      Seen&) {
  if (!value.is_string() || length_of(value.get_string()) >= keyword.least) return true;
  return evaluation.expected(value, fmt::format("at least {} characters", keyword.least));
}

Result<void> prepare_text(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_string()) return should_be("a string");
  return {};
}
Result<void> prepare_pattern(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_string()) return should_be("a regular expression");
  auto pattern = Pattern::parse(keyword.value->get_string());
  if (!pattern) return std::unexpected(pattern.error());
  keyword.patterns.push_back(std::move(*pattern));
  return {};
}
bool check_pattern(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                   Seen&) {
  if (!value.is_string() || keyword.patterns[0].is_in(value.get_string())) return true;
  return evaluation.expected(value, fmt::format("a match of `{}`", keyword.patterns[0].text()));
}

Result<void> prepare_format(Compiler& compiler, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_string()) return should_be("a format's name");
  keyword.texts.emplace_back(keyword.value->get_string());
  if (!is_checked_format(keyword.texts[0]))
    compiler.note(fmt::format("format `{}` is not checked", printable(keyword.texts[0])));
  return {};
}
bool check_format(const Keyword& keyword, const json::value& value, Evaluation& evaluation, Seen&) {
  if (!value.is_string() || has_format(keyword.texts[0], value.get_string()).value_or(true))
    return true;
  return evaluation.expected(value, fmt::format("the format `{}`", keyword.texts[0]));
}

}  // namespace interlock::schema
