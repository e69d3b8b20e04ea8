#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace interlock::plan {

/// Kinds of JSON values, as bits.
struct JsonKinds {
  static constexpr unsigned null = 1, boolean = 2, number = 4, string = 8, array = 16, object = 32;
  static constexpr unsigned all = 63;
};
/// `an object`, `an array or a string`; for messages.
std::string say_kinds(unsigned kinds);

/// What can be told of all values a JSON Schema accepts, by looking at its plain words: enough to
/// know before anything runs that a merge cannot work. It never excludes a value that the schema
/// accepts; what it does not understand may be anything.
class SchemaFacts {
 public:
  /// A text that is no JSON tells nothing.
  explicit SchemaFacts(std::string_view text);

  /// What kinds of values it accepts.
  unsigned kinds() const { return kinds_of(root_, 0); }
  /// The kinds of an accepted array's items.
  unsigned item_kinds() const;
  /// Members every accepted object has, with the text of the only value each may have, where there
  /// is only one.
  std::map<std::string, std::optional<std::string>> required() const;
  /// The members an accepted array's items may have; nothing: any.
  std::optional<std::set<std::string>> item_members() const;

 private:
  const json::value* resolved(const json::value& schema, int depth) const;
  unsigned kinds_of(const json::value& schema, int depth) const;
  const json::value* items_of(const json::value& schema) const;
  void add_required(const json::value& schema, int depth,
                    std::map<std::string, std::optional<std::string>>& into) const;

  json::value root_ = true;
};

}  // namespace interlock::plan
