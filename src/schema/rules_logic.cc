#include <fmt/format.h>

#include <algorithm>

#include "schema/rules.h"
#include "schema/uri.h"

namespace interlock::schema {
namespace {

/// The complaints of the alternative that came nearest: the one with the fewest.
std::string nearest_problems(const Keyword& keyword, const json::value& value,
                             Evaluation& evaluation) {
  std::vector<std::string> nearest;
  for (const Node* node : keyword.schemas) {
    std::vector<std::string> problems = evaluation.problems_with(*node, value);
    if (nearest.empty() || problems.size() < nearest.size()) nearest = std::move(problems);
  }
  return nearest.empty() ? std::string() : "; of the nearest, " + nearest.front();
}

bool check_none_fits(const Keyword& keyword, const json::value& value, Evaluation& evaluation) {
  if (!evaluation.is_reporting()) return false;
  return evaluation.complain(fmt::format("fits none of the {} alternatives of `{}`{}",
                                         keyword.schemas.size(), keyword.rule->name,
                                         nearest_problems(keyword, value, evaluation)));
}

}  // namespace

Result<void> prepare_ref(Compiler& compiler, const json::object&, Keyword& keyword) {
  if (!keyword.value->is_string()) return should_be("a reference");
  const auto target = compiler.referred(keyword.value->get_string());
  if (!target) return std::unexpected(target.error());
  keyword.schemas.push_back(*target);
  return {};
}

/// `texts` has the anchor when the reference is one that the outermost scope decides (2020-12
/// core, 8.2.3.2).
Result<void> prepare_dynamic_ref(Compiler& compiler, const json::object& source, Keyword& keyword) {
  if (auto done = prepare_ref(compiler, source, keyword); !done) return done;
  const std::string fragment = split_fragment(keyword.value->get_string()).fragment;
  const auto schema = compiler.referred_schema(keyword.value->get_string());
  const json::value* anchor =
      (*schema)->is_object() ? (*schema)->get_object().if_contains("$dynamicAnchor") : nullptr;
  if (anchor != nullptr && anchor->is_string() && anchor->get_string() == fragment)
    keyword.texts.push_back(fragment);
  return {};
}
bool check_dynamic_ref(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                       Seen& seen) {
  const Node& found = *keyword.schemas[0];
  return evaluation.fits(
      keyword.texts.empty() ? found : evaluation.dynamic_target(keyword.texts[0], found), value,
      seen);
}

bool check_all_schemas(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                       Seen& seen) {
  bool fitting = true;
  for (const Node* node : keyword.schemas) fitting &= evaluation.fits(*node, value, seen);
  return fitting;
}

bool check_any_of(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                  Seen& seen) {
  bool any = false;
  // All of them, also after one has fitted: each adds to what was seen.
  for (const Node* node : keyword.schemas) any |= evaluation.fits_quietly(*node, value, seen);
  return any || check_none_fits(keyword, value, evaluation);
}

bool check_one_of(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                  Seen& seen) {
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < keyword.schemas.size(); ++i) {
    if (evaluation.fits_quietly(*keyword.schemas[i], value, seen)) fitting.push_back(i);
  }
  if (fitting.size() == 1) return true;
  if (fitting.empty()) return check_none_fits(keyword, value, evaluation);
  return evaluation.complain(fmt::format(
      "fits the alternatives {} and {} of `oneOf`, expected just one", fitting[0], fitting[1]));
}

bool check_not(const Keyword& keyword, const json::value& value, Evaluation& evaluation, Seen&) {
  Seen unused;
  if (!evaluation.fits_quietly(*keyword.schemas[0], value, unused)) return true;
  return evaluation.expected(value,
                             fmt::format("anything but `{}`", canonical_json(*keyword.value)));
}

/// `named` has `then` and `else`, where they are.
Result<void> prepare_if(Compiler& compiler, const json::object& source, Keyword& keyword) {
  for (const char* branch : {"then", "else"}) {
    if (const json::value* schema = source.if_contains(branch))
      keyword.named.emplace_back(branch, compiler.node_of(*schema));
  }
  return {};
}
bool check_if(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
              Seen& seen) {
  const std::string_view branch =
      evaluation.fits_quietly(*keyword.schemas[0], value, seen) ? "then" : "else";
  const auto at = std::ranges::find(keyword.named, branch,
                                    [](const auto& one) { return std::string_view(one.first); });
  return at == keyword.named.end() || evaluation.fits(*at->second, value, seen);
}

}  // namespace interlock::schema
