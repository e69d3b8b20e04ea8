#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "schema/compiled.h"

namespace interlock::schema {

class Compiler;
class Evaluation;
struct Seen;

/// What a keyword's value holds of schemas.
enum class Holds : unsigned char { none, schema, list, by_name, schema_or_list, schemas_or_names };

/// What a keyword means. The table of all rules is the whole of what this validator knows.
struct Rule {
  enum class In : unsigned char { both, draft7, draft2020 };

  std::string_view name;
  In in = In::both;
  Holds holds = Holds::none;
  bool in_place = false;  ///< Its subschemas are applied to the same value, so that they must not
                          ///< lead back to it.
  /// Reads the value and whatever beside it in `source` matters; the error says what the value
  /// should be.
  Result<void> (*prepare)(Compiler& compiler, const json::object& source,
                          Keyword& keyword) = nullptr;
  /// Whether `value` fits; complains to `evaluation` when not. Nothing to check: an annotation, or
  /// part of another keyword.
  bool (*check)(const Keyword& keyword, const json::value& value, Evaluation& evaluation,
                Seen& seen) = nullptr;

  bool is_in(Dialect dialect) const {
    return in == In::both || (in == In::draft7) == (dialect == Dialect::draft7);
  }
};

/// In the order they are applied: those that look at what others left come last.
std::span<const Rule> all_rules();
const Rule* rule_named(std::string_view name, Dialect dialect);

}  // namespace interlock::schema
