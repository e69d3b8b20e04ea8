#include <utility>

#include "gateway/call.h"

// What a call has to do with its attempt's brakes.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

bool Call::passes_brakes() {
  const auto stop = door_->brakes.stop_for(asked_->identity, board_.options.now());
  if (!stop) return true;
  failure_ = stop->failure;
  refuse(CallEnd::runaway, {.kind = Refusal::Kind::bad_request, .message = stop->why});
  return false;
}

void Call::note_for_brakes(std::optional<MicroUsd> spent) {
  // What was not sent for another reason ends the attempt anyway, or is the person's to mend.
  const bool counts = told_.end != CallEnd::runaway && told_.end != CallEnd::over_budget &&
                      told_.end != CallEnd::quota_spent && !told_.replayed;
  if (!counts) return;
  door_->brakes.note(asked_->identity, engine::failure_of(told_), told_.detail, spent,
                     board_.options.now());
}

}  // namespace interlock::gateway
