#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/units.h"
#include "engine/attempt_spec.h"
#include "engine/host_environment.h"
#include "plan/fill.h"

namespace interlock::worker {

/// What an attempt is given a place of its own for, by the paths that it sees them at.
struct AttemptPlace {
  std::string folder;
  std::string home;          ///< Empty: the attempt has none of its own.
  std::string schema_file;   ///< Empty: its answer has no schema.
  std::string correction{};  ///< Why the answer before was not accepted; empty: it is the first.
  int first_port = engine::kFirstPort;  ///< Of those nobody beside it is given.
};

/// The environment of an attempt, or of its check (`spec.name.phase`): what every program needs
/// from the host's, what plan, agent and task pass on or set, and what Interlock says
/// (docs/plan.md). A check gets no provider's key.
std::map<std::string, std::string> environment_of(const engine::AttemptSpec& spec,
                                                  const engine::HostEnvironment& around,
                                                  const AttemptPlace& place,
                                                  const plan::Lookup& lookup);

}  // namespace interlock::worker
