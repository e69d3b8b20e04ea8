// A line as `history import` takes it: either a measurement that can be reckoned with and survives
// being written and read again, or an error.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "history/sample.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = parse_json({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  if (history::is_call(*value)) {
    const auto call = history::call_from_json(*value);
    if (!call) return 0;
    const auto same = history::call_from_json(history::to_json(*call));
    check(same.has_value() && *same == *call, "a call survives being written and read");
    return 0;
  }
  const auto sample = history::sample_from_json(*value);
  if (!sample) return 0;
  check(history::fault_of(*sample).empty(), "what is taken in can be reckoned with");
  const auto again = history::sample_from_json(history::to_json(*sample));
  check(again.has_value(), "what was written is read again");
  check(*again == *sample, "writing and reading change nothing");
  return 0;
}
