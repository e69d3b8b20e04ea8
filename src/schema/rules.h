#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "schema/compiler.h"
#include "schema/evaluation.h"
#include "schema/rule.h"

// What the rules in the table do; see Rule for what `prepare` and `check` promise.
namespace interlock::schema {

using Prepare = Result<void>(Compiler&, const json::object&, Keyword&);
using Check = bool(const Keyword&, const json::value&, Evaluation&, Seen&);

// rules_values.cc: any value, numbers, strings
Prepare prepare_type, prepare_enum, prepare_const, prepare_number, prepare_multiple, prepare_count,
    prepare_pattern, prepare_text, prepare_format;
Check check_type, check_enum, check_maximum, check_minimum, check_exclusive_maximum,
    check_exclusive_minimum, check_multiple, check_max_length, check_min_length, check_pattern,
    check_format;

// rules_arrays.cc
Prepare prepare_items, prepare_additional_items, prepare_contains, prepare_flag,
    prepare_unevaluated;
Check check_prefix_items, check_items, check_additional_items, check_contains, check_max_items,
    check_min_items, check_unique_items, check_unevaluated_items;

// rules_objects.cc
Prepare prepare_pattern_properties, prepare_additional_properties, prepare_names,
    prepare_dependencies;
Check check_properties, check_pattern_properties, check_additional_properties, check_property_names,
    check_required, check_max_properties, check_min_properties, check_dependent_required,
    check_dependent_schemas, check_dependencies, check_unevaluated_properties;

// rules_logic.cc
Prepare prepare_ref, prepare_dynamic_ref, prepare_if;
Check check_all_schemas, check_any_of, check_one_of, check_not, check_if, check_dynamic_ref;

inline std::unexpected<Error> should_be(std::string_view what) {
  return fail(Error::Kind::invalid, "expected " + std::string(what));
}

/// Reads a count from a keyword's value: a whole number that is not negative.
Result<std::uint64_t> count_of(const json::value& value);

}  // namespace interlock::schema
