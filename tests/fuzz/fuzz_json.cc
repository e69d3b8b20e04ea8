// Any bytes are either JSON that survives being written and read again, or an error fit for a
// terminal.
#include <cstdint>

#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

using namespace interlock;

namespace {

void expect_canonical_form_of(const std::string& text, const std::string& canonical) {
  const Result<json::value> again = parse_json(text);
  check(again.has_value(), "what was written is read again");
  check(canonical_json(*again) == canonical, "writing and reading change nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<json::value> value = parse_json(text);
  const Result<void> checked = check_json(text);
  check(checked.has_value() == value.has_value(), "the value makes no difference to the judgement");
  if (!value) {
    check(checked.error().message == value.error().message, "nor to what is wrong");
    const std::string& message = value.error().message;
    check(message.starts_with("line ") && message.size() < 400, "an error says where, briefly");
    check(printable(message) == message, "an error carries no control characters");
    return 0;
  }
  const std::string canonical = canonical_json(*value);
  expect_canonical_form_of(canonical, canonical);
  expect_canonical_form_of(pretty_json(*value), canonical);
  return 0;
}
