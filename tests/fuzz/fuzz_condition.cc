// Any text is a condition or is told what is wrong with it, at a place inside it; what a condition
// prints reads back as the same one, and it says the same of the same values.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "condition/expression.h"

using namespace interlock;
using condition::Expression;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto known = [](std::string_view name) -> std::optional<std::string> {
    if (name == "item") return "it's {item} \\";
    if (name == "key") return "1.5";
    return std::nullopt;
  };
  condition::Mistake mistake;
  const auto parsed = Expression::parse(input, known, mistake);
  if (!parsed) {
    check(!mistake.message.empty(), "a refusal says why");
    check(mistake.begin <= size, "and where");
    return 0;
  }
  condition::Mistake none;
  const auto again = Expression::parse(parsed->text(), {}, none);
  check(again && again->text() == parsed->text(), "what was filled in reads back as itself");
  const auto values = [&](std::size_t reference) -> Result<json::value> {
    const condition::Reference& it = parsed->references()[reference];
    const json::value whole = {{"a", {1, "x", nullptr}}, {"b", true}, {"c", 2.5}};
    return condition::member_at(whole, it.steps, 1);
  };
  const auto first = parsed->holds(values), second = again->holds(values);
  check(first.has_value() == second.has_value(), "and means the same");
  check(!first || *first == *second, "and means the same");
  return 0;
}
