#include "engine/gateway.h"

#include <array>

namespace interlock::engine {

/// As in the journal.
std::string_view name_of(CallEnd end) {
  switch (end) {
    case CallEnd::answered: return "answered";
    case CallEnd::cut_off: return "cut_off";
    case CallEnd::refused: return "refused";
    case CallEnd::over_budget: return "over_budget";
    case CallEnd::quota_spent: return "quota_spent";
    case CallEnd::unreachable: return "unreachable";
    case CallEnd::not_recorded: return "not_recorded";
    case CallEnd::runaway: return "runaway";
  }
  return "";
}

std::optional<CallEnd> call_end_named(std::string_view name) {
  for (const CallEnd end :
       {CallEnd::answered, CallEnd::cut_off, CallEnd::refused, CallEnd::over_budget,
        CallEnd::quota_spent, CallEnd::unreachable, CallEnd::not_recorded, CallEnd::runaway}) {
    if (name_of(end) == name) return end;
  }
  return {};
}

/// What the provider said outranks how the call ended.
std::optional<agents::Failure> failure_of(const ModelCall& call) {
  if (call.failure) return call.failure;
  switch (call.end) {
    case CallEnd::answered:
      // It came to its end by the protocol, and its finish reason says that more was to come.
      return call.cut ? std::optional(agents::Failure::cut_off) : std::nullopt;
    case CallEnd::cut_off: return agents::Failure::cut_off;
    case CallEnd::quota_spent: return agents::Failure::quota_spent;
    // No answer at all is the provider's failure, as a bad one is.
    case CallEnd::unreachable: return agents::Failure::api;
    case CallEnd::not_recorded: return agents::Failure::bad_request;
    case CallEnd::refused:
    case CallEnd::over_budget:
    case CallEnd::runaway: return agents::Failure::other;
  }
  return agents::Failure::other;
}

Result<Gateway::Route> NoGateway::open(const RouteSpec& spec) {
  // Whoever plans a run knows whether it asks models; so nobody comes here.
  return fail(Error::Kind::internal, "no gateway was opened for `" + spec.label + "`");
}

}  // namespace interlock::engine
