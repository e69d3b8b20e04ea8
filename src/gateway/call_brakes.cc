#include <utility>

#include "gateway/proxied_call.h"

// What a call has to do with its attempt's brakes.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

bool ProxiedCall::passes_brakes() {
  const auto stop = route_->brakes.stop_for(asked_->identity, board_.options.now());
  if (!stop) return true;
  failure_ = stop->failure;
  refuse(CallEnd::runaway, {.kind = Refusal::Kind::bad_request, .message = stop->why});
  return false;
}

void ProxiedCall::note_for_brakes(std::optional<MicroUsd> spent) {
  // What was not sent for another reason ends the attempt anyway, or is the person's to mend.
  const bool counts = reported_.end != CallEnd::runaway && reported_.end != CallEnd::over_budget &&
                      reported_.end != CallEnd::quota_spent && !reported_.replayed;
  if (!counts) return;
  route_->brakes.note(asked_->identity, engine::failure_of(reported_), reported_.detail, spent,
                      board_.options.now());
}

}  // namespace interlock::gateway
