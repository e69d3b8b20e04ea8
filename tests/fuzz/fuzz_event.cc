// An event's name and body as a journal could hold them, parted by a line end: either an event that
// survives being written and read again, or an error.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "engine/event.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t parting = std::min(input.find('\n'), size);
  const std::string_view name = input.substr(0, parting);
  const auto body = parse_json(input.substr(std::min(parting + 1, size)));
  if (!body || !body->is_object()) return 0;

  const auto event = engine::event_from_json(name, body->get_object());
  if (!event) return 0;
  check(engine::name_of(*event) == name, "a fact keeps its name");
  const json::object written = engine::to_json(*event);
  const auto again = engine::event_from_json(name, written);
  check(again.has_value(), "what was written is read again");
  check(canonical_json(engine::to_json(*again)) == canonical_json(written),
        "writing and reading change nothing");
  return 0;
}
