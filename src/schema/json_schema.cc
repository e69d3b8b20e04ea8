#include "schema/json_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/text.h"
#include "schema/compiler.h"
#include "schema/evaluation.h"

namespace interlock::schema {
namespace {

/// Says why a text is no JSON, with the mistakes models make most.
std::string no_json(std::string_view text, const Error& error) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "expected JSON, found nothing";
  if (text.substr(first).starts_with("```")) {
    return "expected bare JSON, found it wrapped in a Markdown fence (```): give the JSON alone";
  }
  const char begin = text[first];
  const std::size_t open = text.find_first_of("{[", first);
  if (begin != '{' && begin != '[' && begin != '"' && open != std::string_view::npos) {
    const std::string_view line = split_lines(text.substr(first)).front();
    return fmt::format("expected JSON alone, found other text before it: `{}` ({})",
                       elide_end(printable(line), 40), error.message);
  }
  return fmt::format("expected JSON: {}", error.message);
}

}  // namespace

Result<Supported> check_schema(std::string_view text) {
  const auto compiled = compile(text);
  if (!compiled) return std::unexpected(compiled.error());
  Supported supported;
  supported.dialect = (*compiled)->dialect == Dialect::draft7 ? "draft 7" : "2020-12";
  std::set<std::string> said;
  for (const std::string& note : (*compiled)->notes) {
    if (said.insert(note).second) supported.notes.push_back(note);
  }
  return supported;
}

JsonSchema::JsonSchema() = default;
JsonSchema::~JsonSchema() = default;

std::optional<std::string> JsonSchema::complaint(const std::string& schema, std::string_view text) {
  auto at = compiled_.find(schema);
  if (at == compiled_.end()) at = compiled_.emplace(schema, compile(schema)).first;
  const auto& compiled = at->second;
  if (!compiled) return fmt::format("the schema cannot be used: {}", compiled.error().message);
  const auto value = parse_json(text);
  if (!value) return no_json(text, value.error());
  Evaluation evaluation(**compiled);
  if (evaluation.fits(*value)) return std::nullopt;
  return fmt::format("{}", fmt::join(evaluation.problems(), "; "));
}

}  // namespace interlock::schema
