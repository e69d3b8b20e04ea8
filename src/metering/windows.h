#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "metering/model_call.h"

namespace interlock::metering {

/// What a subscription allows in a stretch of time, as its provider tells it with an answer.
struct Window {
  std::string name;  ///< `5h`, `7d`.
  double used = 0;   ///< From 0 to 1; more where the provider lets more through.
  Time resets{};     ///< When all of it is there again.

  bool operator==(const Window&) const = default;
};

/// Anthropic's, by the names that Claude Code 2.1.330 reads:
/// `anthropic-ratelimit-unified-5h-utilization` (a fraction) and `-reset` (seconds since 1970), and
/// of 7 days. OpenAI's, by the names that Codex 0.169.0 reads: `x-codex-primary-used-percent`,
/// `-window-minutes` and `-reset-at` (seconds since 1970), and of `secondary`. A window that is told in part or in another form is left out. Sorted by name.
std::vector<Window> read_windows(Headers headers);

}  // namespace interlock::metering
