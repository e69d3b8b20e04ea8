#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports.h"

namespace interlock::schema {

struct Compiled;

/// What is to be said about a schema that can be used.
struct Supported {
  std::string dialect;             ///< `draft 7` or `2020-12`.
  std::vector<std::string> notes;  ///< Keywords and formats that are not checked, one line each.
};

/// Whether outputs can be held against this schema (docs/schemas.md). Refused, with the place in
/// it, when it is no schema, or asks for something that cannot be checked: a verdict must never be
/// silently wrong.
Result<Supported> check_schema(std::string_view text);

/// Holds outputs against JSON Schemas of draft 7 and 2020-12.
class JsonSchema final : public engine::Validator {
 public:
  JsonSchema();
  ~JsonSchema() override;

  /// At most five problems on one line, each with its JSON pointer, what was found and what was
  /// expected.
  std::optional<std::string> complaint(const std::string& schema, std::string_view text) override;

 private:
  std::map<std::string, Result<std::unique_ptr<Compiled>>> compiled_;  ///< By the schema's text.
};

}  // namespace interlock::schema
