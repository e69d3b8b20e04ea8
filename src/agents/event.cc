#include "agents/event.h"

namespace interlock::agents {

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::authentication: return "authentication";
    case Failure::rate_limited: return "rate_limited";
    case Failure::quota_spent: return "quota_spent";
    case Failure::api: return "api";
    case Failure::bad_request: return "bad_request";
    case Failure::too_long: return "too_long";
    case Failure::cut_off: return "cut_off";
    case Failure::refused: return "refused";
    case Failure::empty: return "empty";
    case Failure::output_invalid: return "output_invalid";
    case Failure::limit_of_client: return "limit_of_client";
    case Failure::no_session: return "no_session";
    case Failure::aborted: return "aborted";
    case Failure::no_final: return "no_final";
    case Failure::other: return "other";
  }
  return "";
}

}  // namespace interlock::agents
