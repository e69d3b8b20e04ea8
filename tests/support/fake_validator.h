#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/ports.h"

namespace interlock::testing_support {

/// Knows one keyword: the schema `{"const": X}` accepts X alone, and every other schema accepts any
/// JSON.
class FakeValidator final : public engine::Validator {
 public:
  std::optional<std::string> complaint(const std::string& schema, std::string_view text) override {
    const auto value = parse_json(text);
    if (!value) return "expected JSON: " + value.error().message;
    const auto wanted = parse_json(schema);
    const bool knows = wanted && wanted->is_object() && wanted->get_object().contains("const");
    if (!knows) return std::nullopt;
    const std::string constant = canonical_json(wanted->get_object().at("const"));
    if (canonical_json(*value) == constant) return std::nullopt;
    return "at the top: found " + canonical_json(*value) + ", expected " + constant;
  }
};

}  // namespace interlock::testing_support
