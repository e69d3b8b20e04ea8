#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "engine/run_state.h"

namespace interlock::runs {

/// When a run that stopped because a provider's quota is used up is to be tried again.
struct QuotaWait {
  Duration lasts{};
  bool is_known = false;  ///< The provider said when; else it is looked again, ever more seldom.
};

/// Nothing: it is over for another reason, such as a budget of its own. `tries`: so often it was
/// tried without knowing when the quota is reset, and nothing had changed. `chance`: from 0 up to
/// 1, so that several runs do not come back at once.
std::optional<QuotaWait> quota_wait_of(const engine::RunState& run, Time now, std::uint32_t tries,
                                       double chance);

/// What a person said last, while the run goes on or sleeps, of whether it waits for a quota that
/// is used up: `wait` or `stop`; empty: nothing but its plan.
std::string said_on_quota(const std::string& state_folder, const std::string& run);
Result<void> keep_on_quota(const std::string& state_folder, const std::string& run,
                           const std::string& word);

}  // namespace interlock::runs
