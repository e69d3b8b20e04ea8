#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "chat/answer.h"

// What a model's API answers, taken in pieces as a network would cut it: whatever comes, the lines
// end in exactly one last word. The first byte says which API, whether a schema binds, and where to
// cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace interlock;
  if (size < 1) return 0;
  chat::CallSpec wish;
  wish.api = static_cast<metering::Api>(data[0] & 3);
  if ((data[0] & 4) != 0) wish.schema = json::object{{"type", "array"}};
  const std::size_t piece = std::size_t{1} + (data[0] >> 3);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  chat::Answer answer(wish);
  answer.take_head({200, "text/event-stream", {}});
  std::string lines;
  for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    lines += answer.take(rest.substr(0, piece));
  }
  const chat::Ended ended = answer.end({}, Time{}, "sk-test");
  lines += ended.lines;
  check(lines.ends_with("}\n"), "the last line is whole");
  const std::string_view last =
      std::string_view(lines).substr(lines.rfind('\n', lines.size() - 2) + 1);
  const bool is_final = last.starts_with("{\"type\":\"final\"");
  check(is_final != last.starts_with("{\"type\":\"failed\""), "the last line is one of the two");
  check(!ended.is_good || is_final, "only a final answer is good");
  return 0;
}
