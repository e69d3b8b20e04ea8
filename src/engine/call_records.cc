#include "engine/call_records.h"

#include <algorithm>

namespace interlock::engine {

/// Calls come in as they end; which was asked last decides.
void note_verdict(AttemptRecord& attempt, const ModelCall& call) {
  const CallVerdict verdict{call.number, failure_of(call), call.detail};
  if (call.number >= attempt.last_call.number) attempt.last_call = verdict;
  if (call.offers_tools && call.number >= attempt.last_with_tools.number)
    attempt.last_with_tools = verdict;
}

void take_part_away(Usage& known, const Usage& part) {
  // Of what is not known nothing can be taken away, and it stays unknown.
  const auto take = [](std::optional<std::int64_t>& all, const std::optional<std::int64_t>& of) {
    if (all && of) *all -= *of;
  };
  take(known.input, part.input);
  take(known.output, part.output);
  take(known.cache_read, part.cache_read);
  take(known.cache_write, part.cache_write);
  take(known.cost, part.cost);
}

void note_read(AttemptRecord& attempt, const BoardRead& event) {
  // One line a topic, however often it looked.
  for (BoardRead& before : attempt.board_reads) {
    if (before.topic != event.topic) continue;
    before.last = std::max(before.last, event.last);
    before.count += event.count;
    return;
  }
  attempt.board_reads.push_back(event);
}

}  // namespace interlock::engine
