#include <fmt/format.h>

#include <limits>
#include <unordered_map>

#include "schema/rules.h"

namespace interlock::schema {
namespace {

/// Holds the items from `first` on against one schema.
bool check_rest(const Node& node, std::size_t first, const json::value& value,
                Evaluation& evaluation, Seen& seen) {
  const json::array& items = value.get_array();
  bool fitting = true;
  for (std::size_t i = first; i < items.size(); ++i) {
    fitting &= evaluation.item_fits(node, i, items[i]);
    if (!fitting && !evaluation.is_reporting()) return false;
    seen.add_item(i);
  }
  return fitting;
}

}  // namespace

bool check_prefix_items(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                        Seen& seen) {
  if (!value.is_array()) return true;
  const json::array& items = value.get_array();
  bool fitting = true;
  for (std::size_t i = 0; i < std::min(items.size(), keyword.schemas.size()); ++i) {
    fitting &= evaluation.item_fits(*keyword.schemas[i], i, items[i]);
    seen.add_item(i);
  }
  return fitting;
}

Result<void> prepare_items(Compiler&, const json::object& source, Keyword& keyword) {
  const json::value* prefix = source.if_contains("prefixItems");
  if (prefix != nullptr && prefix->is_array()) keyword.least = prefix->get_array().size();
  return {};
}
/// Draft 7 has a list here, which is what `prefixItems` is in 2020-12.
bool check_items(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                 Seen& seen) {
  if (!value.is_array()) return true;
  if (keyword.value->is_array()) return check_prefix_items(keyword, value, evaluation, seen);
  return check_rest(*keyword.schemas[0], keyword.least, value, evaluation, seen);
}

Result<void> prepare_additional_items(Compiler&, const json::object& source, Keyword& keyword) {
  const json::value* items = source.if_contains("items");
  // Only a list of items leaves some over.
  keyword.least = items != nullptr && items->is_array() ? items->get_array().size()
                                                        : std::numeric_limits<std::uint64_t>::max();
  return {};
}
bool check_additional_items(const Keyword& keyword, const json::value& value,
                            Evaluation& evaluation, Seen& seen) {
  return !value.is_array() ||
         check_rest(*keyword.schemas[0], keyword.least, value, evaluation, seen);
}

Result<void> prepare_contains(Compiler& compiler, const json::object& source, Keyword& keyword) {
  keyword.least = 1;
  keyword.most = std::numeric_limits<std::uint64_t>::max();
  if (compiler.dialect() == Dialect::draft7) return {};
  if (const json::value* least = source.if_contains("minContains"))
    keyword.least = count_of(*least).value_or(0);
  if (const json::value* most = source.if_contains("maxContains"))
    keyword.most = count_of(*most).value_or(0);
  return {};
}
bool check_contains(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                    Seen& seen) {
  if (!value.is_array()) return true;
  const json::array& items = value.get_array();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Seen below;
    if (!evaluation.fits_quietly(*keyword.schemas[0], items[i], below)) continue;
    ++count;
    seen.add_item(i);
  }
  if (count < keyword.least)
    return evaluation.complain(
        fmt::format("{} items fit `contains`, expected at least {}", count, keyword.least));
  if (count > keyword.most)
    return evaluation.complain(
        fmt::format("{} items fit `contains`, expected at most {}", count, keyword.most));
  return true;
}

bool check_max_items(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                     Seen&) {
  if (!value.is_array() || value.get_array().size() <= keyword.most) return true;
  return evaluation.complain(
      fmt::format("found {} items, expected at most {}", value.get_array().size(), keyword.most));
}
bool check_min_items(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                     Seen&) {
  if (!value.is_array() || value.get_array().size() >= keyword.least) return true;
  return evaluation.complain(
      fmt::format("found {} items, expected at least {}", value.get_array().size(), keyword.least));
}

Result<void> prepare_flag(Compiler&, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_bool()) return should_be("true or false");
  return {};
}
bool check_unique_items(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                        Seen&) {
  if (!value.is_array() || !keyword.value->get_bool()) return true;
  const json::array& items = value.get_array();
  std::unordered_map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [at, is_new] = first.emplace(canonical_json(items[i]), i);
    if (!is_new)
      return evaluation.complain(
          fmt::format("items {} and {} are equal, expected each once", at->second, i));
  }
  return true;
}

Result<void> prepare_unevaluated(Compiler& compiler, const json::object&, Keyword&) {
  compiler.needs_seen();
  return {};
}
bool check_unevaluated_items(const Keyword& keyword, const json::value& value,
                             Evaluation& evaluation, Seen& seen) {
  if (!value.is_array()) return true;
  const json::array& items = value.get_array();
  bool fitting = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (seen.has_item(i)) continue;
    fitting &= evaluation.item_fits(*keyword.schemas[0], i, items[i]);
    seen.add_item(i);
  }
  return fitting;
}

}  // namespace interlock::schema
