#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"

namespace interlock::agents {

/// Whose model an agent asks, where its plan does not say otherwise.
struct Provider {
  std::string base_url;                    ///< Without a version part and without a slash at its end.
  std::vector<std::string_view> variables;  ///< Where its key usually is, the first that is set.
};

/// From the agent's `base_url`, else from its kind, API and model.
Provider provider_of(const plan::Agent& agent);

}  // namespace interlock::agents
