// Any bytes as an answer of any API: never a crash, and the same whatever the pieces it comes in.
// The first byte says which API and form, the second where it is split.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "metering/model_call.h"

using namespace interlock;
using namespace interlock::metering;

namespace {

bool is_sound(const Usage& usage) {
  const auto is_count = [](const std::optional<Tokens>& count) { return !count || *count >= 0; };
  return is_count(usage.input) && is_count(usage.output) && is_count(usage.cache_read) &&
         is_count(usage.cache_write) && !usage.cost;
}

Answered read_in_pieces(Api api, bool events, std::string_view text, std::size_t size) {
  AnswerReader reader(api, events);
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
    reader.take(text.substr(0, size));
  reader.end();
  return reader.answered();
}

void check_filter(std::string_view text, std::size_t size) {
  UsageEventFilter whole;
  std::string passed = whole.take(text);
  passed += whole.end();
  UsageEventFilter pieces;
  std::string in_pieces;
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
    in_pieces += pieces.take(text.substr(0, size));
  in_pieces += pieces.end();
  check(passed == in_pieces, "what is passed on does not depend on how it comes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Api api = static_cast<Api>(data[0] & 3);
  const bool events = (data[0] & 4) == 0;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Answered whole = read_in_pieces(api, events, text, text.size() + 1);
  const Answered pieces = read_in_pieces(api, events, text, piece);
  check(is_sound(whole.usage), "counts are not negative, and costs are not ours to tell");
  check(whole.usage == pieces.usage && whole.complete == pieces.complete &&
            whole.cut == pieces.cut && whole.began == pieces.began &&
            whole.finish == pieces.finish && whole.model == pieces.model &&
            whole.refusal.has_value() == pieces.refusal.has_value(),
        "an answer does not depend on how it comes");
  check_filter(text, piece);
  return 0;
}
