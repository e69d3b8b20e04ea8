#include "schema/json_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "engine/json_answer.h"
#include "schema/compiler.h"
#include "schema/evaluation.h"

namespace interlock::schema {
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
  if (!value) return engine::say_no_json(text, value.error());
  Evaluation evaluation(**compiled);
  if (evaluation.fits(*value)) return std::nullopt;
  return fmt::format("{}", fmt::join(evaluation.problems(), "; "));
}

}  // namespace interlock::schema
