#pragma once

#include <optional>

#include "base/units.h"
#include "engine/run_state.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

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

/// Whether the run waits for a quota that is used up: as a person said last, from wherever, else as
/// its plan says. While it sleeps no dispatcher hears requests: then they are looked for in the
/// store.
bool waits_for_quota(journal::Store& store, const ChosenRun& run);

}  // namespace interlock::runs
