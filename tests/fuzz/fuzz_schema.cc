// Two texts, parted by a NUL: a schema and an output. Whatever they are, the schema is refused or
// usable, and a usable one judges any output in bounded time, twice alike.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "schema/json_schema.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t parting = std::min(input.find('\0'), size);
  const std::string schema(input.substr(0, parting));
  const std::string_view output = input.substr(std::min(parting + 1, size));

  const auto supported = schema::check_schema(schema);
  schema::JsonSchema validator;
  const auto first = validator.complaint(schema, output);
  check(validator.complaint(schema, output) == first, "the same output is judged alike");
  if (!supported) {
    check(first && first->starts_with("the schema cannot be used: "), "a refused schema is said");
  } else if (!parse_json(output)) {
    check(first && first->starts_with("expected "), "what is not JSON is refused");
  }
  return 0;
}
