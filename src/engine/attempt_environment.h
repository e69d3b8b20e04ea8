#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/units.h"
#include "engine/names.h"
#include "engine/prepare.h"
#include "plan/fill.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What an attempt is given a place of its own for, by the paths that it sees them at.
struct AttemptPlace {
  std::string folder;
  std::string home;         ///< Empty: the attempt has none of its own.
  std::string schema_file;  ///< Empty: its answer has no schema.
  std::string label;        ///< `run/task#attempt`
  Time deadline{};
  std::string correction{};     ///< Why the answer before was not accepted; empty: it is the first.
  int first_port = kFirstPort;  ///< Of those nobody beside it is given.
};

/// The environment of an attempt, or of its check (`name.phase`): what every program needs from the
/// host's, what plan, agent and task pass on or set, and what Interlock says (docs/plan.md). A
/// check gets no provider's key.
std::map<std::string, std::string> environment_of(const plan::Plan& plan, const plan::Task& task,
                                                  const AttemptName& name,
                                                  const HostEnvironment& around,
                                                  const AttemptPlace& place,
                                                  const plan::Lookup& lookup);

}  // namespace interlock::engine
