#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "metering/glance.h"
#include "metering/model_call.h"

namespace interlock::metering {

/// An error in the words of an API: the `error` member of a body or event.
struct ReportedError {
  std::string type;  ///< `overloaded_error`; for Gemini its status, `RESOURCE_EXHAUSTED`.
  std::string code;  ///< `insufficient_quota`.
  std::string message;
  std::optional<Duration> retry_after;
  bool far = false;  ///< A quota of a day or longer is used up.
};
/// `error` itself: an object, or a bare message.
ReportedError read_error(const Glance& error);

/// `status` 0: told within a stream, so that only its words tell.
Refusal::Kind kind_of(int status, const ReportedError& error);
/// The refusal that an error within a stream is.
Refusal refusal_of(int status, const ReportedError& error);

/// `1s`, `6m0s`, `20ms`, `1h2m`, `1.5s`, `300us`; a bare number is seconds. At most a year.
std::optional<Duration> read_reset(std::string_view text);
/// RFC 3339, `2026-01-31T12:00:00Z`, and the form of HTTP (RFC 9110), `Sat, 31 Jan 2026 12:00:00
/// GMT`.
std::optional<Time> read_instant(std::string_view text);

/// From here on a wait is none: the quota counts as spent.
constexpr Duration kFar = std::chrono::hours(1);

}  // namespace interlock::metering
