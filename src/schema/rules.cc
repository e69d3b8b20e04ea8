#include "schema/rules.h"

#include <algorithm>
#include <array>

// The table of all keywords: JSON Schema draft 7 (core and validation) and 2020-12 (core,
// applicator, unevaluated, validation).
namespace interlock::schema {
namespace {

using enum Rule::In;

constexpr std::array kRules = std::to_array<Rule>({
    // References
    {"$ref", both, Holds::none, true, prepare_ref, check_all_schemas},
    {"$dynamicRef", draft2020, Holds::none, false, prepare_dynamic_ref, check_dynamic_ref},

    // Any value
    {"type", both, Holds::none, false, prepare_type, check_type},
    {"enum", both, Holds::none, false, prepare_enum, check_enum},
    {"const", both, Holds::none, false, prepare_const, check_enum},

    // Numbers
    {"multipleOf", both, Holds::none, false, prepare_multiple, check_multiple},
    {"maximum", both, Holds::none, false, prepare_number, check_maximum},
    {"exclusiveMaximum", both, Holds::none, false, prepare_number, check_exclusive_maximum},
    {"minimum", both, Holds::none, false, prepare_number, check_minimum},
    {"exclusiveMinimum", both, Holds::none, false, prepare_number, check_exclusive_minimum},

    // Strings
    {"maxLength", both, Holds::none, false, prepare_count, check_max_length},
    {"minLength", both, Holds::none, false, prepare_count, check_min_length},
    {"pattern", both, Holds::none, false, prepare_pattern, check_pattern},
    {"format", both, Holds::none, false, prepare_format, check_format},

    // Logic
    {"allOf", both, Holds::list, true, nullptr, check_all_schemas},
    {"anyOf", both, Holds::list, true, nullptr, check_any_of},
    {"oneOf", both, Holds::list, true, nullptr, check_one_of},
    {"not", both, Holds::schema, true, nullptr, check_not},
    {"if", both, Holds::schema, true, prepare_if, check_if},
    {"then", both, Holds::schema},
    {"else", both, Holds::schema},

    // Objects
    {"required", both, Holds::none, false, prepare_names, check_required},
    {"properties", both, Holds::by_name, false, nullptr, check_properties},
    {"patternProperties", both, Holds::by_name, false, prepare_pattern_properties,
     check_pattern_properties},
    {"additionalProperties", both, Holds::schema, false, prepare_additional_properties,
     check_additional_properties},
    {"propertyNames", both, Holds::schema, false, nullptr, check_property_names},
    {"maxProperties", both, Holds::none, false, prepare_count, check_max_properties},
    {"minProperties", both, Holds::none, false, prepare_count, check_min_properties},
    {"dependencies", draft7, Holds::schemas_or_names, true, prepare_dependencies,
     check_dependencies},
    {"dependentRequired", draft2020, Holds::none, false, prepare_dependencies,
     check_dependent_required},
    {"dependentSchemas", draft2020, Holds::by_name, true, nullptr, check_dependent_schemas},

    // Arrays
    {"prefixItems", draft2020, Holds::list, false, nullptr, check_prefix_items},
    {"items", draft2020, Holds::schema, false, prepare_items, check_items},
    {"items", draft7, Holds::schema_or_list, false, prepare_items, check_items},
    {"additionalItems", draft7, Holds::schema, false, prepare_additional_items,
     check_additional_items},
    {"contains", both, Holds::schema, false, prepare_contains, check_contains},
    {"maxContains", draft2020, Holds::none, false, prepare_count},
    {"minContains", draft2020, Holds::none, false, prepare_count},
    {"maxItems", both, Holds::none, false, prepare_count, check_max_items},
    {"minItems", both, Holds::none, false, prepare_count, check_min_items},
    {"uniqueItems", both, Holds::none, false, prepare_flag, check_unique_items},

    // What is left over; last, because they ask what all others have seen
    {"unevaluatedItems", draft2020, Holds::schema, false, prepare_unevaluated,
     check_unevaluated_items},
    {"unevaluatedProperties", draft2020, Holds::schema, false, prepare_unevaluated,
     check_unevaluated_properties},

    // Names and annotations
    {"$schema", both},
    {"$id", both, Holds::none, false, prepare_text},
    {"$anchor", draft2020, Holds::none, false, prepare_text},
    {"$dynamicAnchor", draft2020, Holds::none, false, prepare_text},
    {"$vocabulary", draft2020},
    {"$comment", both},
    {"$defs", both, Holds::by_name},
    {"definitions", both, Holds::by_name},
    {"title", both},
    {"description", both},
    {"default", both},
    {"examples", both},
    {"deprecated", both},
    {"readOnly", both},
    {"writeOnly", both},
    {"contentEncoding", both},
    {"contentMediaType", both},
    {"contentSchema", draft2020, Holds::schema},
});

}  // namespace

std::span<const Rule> all_rules() { return kRules; }

const Rule* rule_named(std::string_view name, Dialect dialect) {
  const auto at = std::ranges::find_if(
      kRules, [&](const Rule& rule) { return rule.name == name && rule.is_in(dialect); });
  return at == kRules.end() ? nullptr : &*at;
}

}  // namespace interlock::schema
