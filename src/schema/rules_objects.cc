#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "schema/rules.h"

namespace interlock::schema {
namespace {

Result<void> read_names(const json::value& value, std::vector<std::string>& names) {
  if (!value.is_array()) return should_be("a list of names");
  for (const json::value& name : value.get_array()) {
    if (!name.is_string()) return should_be("a list of names");
    names.emplace_back(name.get_string());
  }
  return {};
}

Result<void> read_patterns(const json::value& patterns, Keyword& keyword) {
  if (!patterns.is_object()) return {};  // Said where `patternProperties` itself is read.
  for (const auto& [text, schema] : patterns.get_object()) {
    auto pattern = Pattern::parse(text);
    if (!pattern) return std::unexpected(pattern.error());
    keyword.patterns.push_back(std::move(*pattern));
  }
  return {};
}

bool has_all(const json::object& object, const json::array& names, std::string_view because,
             Evaluation& evaluation) {
  bool fitting = true;
  for (const json::value& name : names) {
    if (object.contains(name.get_string())) continue;
    fitting = evaluation.complain(
        fmt::format("`{}` is missing{}", printable(name.get_string()), because));
  }
  return fitting;
}

}  // namespace

Result<void> prepare_names(Compiler&, const json::object&, Keyword& keyword) {
  return read_names(*keyword.value, keyword.texts);
}
bool check_required(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                    Seen&) {
  return !value.is_object() ||
         has_all(value.get_object(), keyword.value->get_array(), "", evaluation);
}

bool check_properties(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                      Seen& seen) {
  if (!value.is_object()) return true;
  const json::object& object = value.get_object();
  bool fitting = true;
  for (const auto& [name, node] : keyword.named) {
    const auto member = object.find(name);
    if (member == object.end()) continue;
    fitting &= evaluation.member_fits(*node, name, member->value());
    seen.add_member(static_cast<std::size_t>(std::distance(object.begin(), member)));
  }
  return fitting;
}

Result<void> prepare_pattern_properties(Compiler&, const json::object&, Keyword& keyword) {
  return read_patterns(*keyword.value, keyword);
}
bool check_pattern_properties(const Keyword& keyword, const json::value& value,
                              Evaluation& evaluation, Seen& seen) {
  if (!value.is_object()) return true;
  bool fitting = true;
  std::size_t index = 0;
  for (const auto& [name, member] : value.get_object()) {
    for (std::size_t i = 0; i < keyword.patterns.size(); ++i) {
      if (!keyword.patterns[i].is_in(name)) continue;
      fitting &= evaluation.member_fits(*keyword.named[i].second, name, member);
      seen.add_member(index);
    }
    ++index;
  }
  return fitting;
}

/// `texts` are the members that `properties` names, `patterns` those of `patternProperties`.
Result<void> prepare_additional_properties(Compiler&, const json::object& source,
                                           Keyword& keyword) {
  const json::value* properties = source.if_contains("properties");
  if (properties != nullptr && properties->is_object()) {
    for (const auto& member : properties->get_object()) keyword.texts.emplace_back(member.key());
  }
  std::ranges::sort(keyword.texts);
  const json::value* patterns = source.if_contains("patternProperties");
  return patterns == nullptr ? Result<void>() : read_patterns(*patterns, keyword);
}
bool check_additional_properties(const Keyword& keyword, const json::value& value,
                                 Evaluation& evaluation, Seen& seen) {
  if (!value.is_object()) return true;
  bool fitting = true;
  std::size_t index = 0;
  for (const auto& [key, member] : value.get_object()) {
    const std::string_view name = key;
    const bool named = std::ranges::binary_search(keyword.texts, name, std::less<>());
    const bool matched = std::ranges::any_of(
        keyword.patterns, [&](const Pattern& pattern) { return pattern.is_in(name); });
    if (!named && !matched) {
      const bool forbidden = keyword.schemas[0]->is_false;
      fitting &= forbidden
                     ? evaluation.complain(fmt::format("`{}` is not allowed here", printable(name)))
                     : evaluation.member_fits(*keyword.schemas[0], name, member);
      seen.add_member(index);
    }
    ++index;
  }
  return fitting;
}

bool check_property_names(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                          Seen&) {
  if (!value.is_object()) return true;
  bool fitting = true;
  for (const auto& member : value.get_object()) {
    Seen below;
    const json::value name(member.key());
    if (evaluation.fits_quietly(*keyword.schemas[0], name, below)) continue;
    fitting =
        evaluation.complain(fmt::format("`{}` is not an allowed name", printable(member.key())));
  }
  return fitting;
}

bool check_max_properties(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                          Seen&) {
  if (!value.is_object() || value.get_object().size() <= keyword.most) return true;
  return evaluation.complain(fmt::format("found {} members, expected at most {}",
                                         value.get_object().size(), keyword.most));
}
bool check_min_properties(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                          Seen&) {
  if (!value.is_object() || value.get_object().size() >= keyword.least) return true;
  return evaluation.complain(fmt::format("found {} members, expected at least {}",
                                         value.get_object().size(), keyword.least));
}

Result<void> prepare_dependencies(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_object()) return should_be("an object of lists of names");
  for (const auto& [name, needed] : keyword.value->get_object()) {
    std::vector<std::string> names;
    const bool may_be_schema = keyword.rule->holds == Holds::schemas_or_names && !needed.is_array();
    if (may_be_schema) continue;
    if (auto read = read_names(needed, names); !read) return read;
  }
  return {};
}
bool check_dependent_required(const Keyword& keyword, const json::value& value,
                              Evaluation& evaluation, Seen&) {
  if (!value.is_object()) return true;
  bool fitting = true;
  for (const auto& [name, needed] : keyword.value->get_object()) {
    if (!needed.is_array() || !value.get_object().contains(name)) continue;
    fitting &= has_all(value.get_object(), needed.get_array(),
                       fmt::format(", which `{}` needs", printable(name)), evaluation);
  }
  return fitting;
}
bool check_dependent_schemas(const Keyword& keyword, const json::value& value,
                             Evaluation& evaluation, Seen& seen) {
  if (!value.is_object()) return true;
  bool fitting = true;
  for (const auto& [name, node] : keyword.named) {
    if (value.get_object().contains(name)) fitting &= evaluation.fits(*node, value, seen);
  }
  return fitting;
}
bool check_dependencies(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                        Seen& seen) {
  const bool names = check_dependent_required(keyword, value, evaluation, seen);
  return check_dependent_schemas(keyword, value, evaluation, seen) && names;
}

bool check_unevaluated_properties(const Keyword& keyword, const json::value& value,
                                  Evaluation& evaluation, Seen& seen) {
  if (!value.is_object()) return true;
  bool fitting = true;
  std::size_t index = 0;
  for (const auto& [name, member] : value.get_object()) {
    if (!seen.has_member(index)) {
      const bool forbidden = keyword.schemas[0]->is_false;
      fitting &= forbidden
                     ? evaluation.complain(fmt::format("`{}` is not allowed here", printable(name)))
                     : evaluation.member_fits(*keyword.schemas[0], name, member);
      seen.add_member(index);
    }
    ++index;
  }
  return fitting;
}

}  // namespace interlock::schema
