#pragma once

#include <map>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "engine/attempt_spec.h"
#include "engine/host_environment.h"
#include "engine/worker_ports.h"

namespace interlock::worker {

/// What attempts on this machine are made with.
struct Means {
  engine::ProcessHost& processes;
  engine::AttemptFolders& folders;
  engine::Snapshots& snapshots;
  engine::Gateway& gateway;
  engine::Workspace* files = nullptr;  ///< Hashed beside the dispatcher, where it is given.
};

/// Ready to be spawned.
struct Prepared {
  engine::SpawnSpec spec;
  bool has_route = false;  ///< The gateway's, opened for it.
};

/// What to execute for the work (phase 0) or a check (phase 1, 2) of an attempt. Makes its folder
/// with its prompt, schema and the outputs it uses (`outputs`: the bytes of all that `spec` names),
/// and opens its snapshot and its route. Whoever gets an error discards the snapshot; a route is
/// open only without one. `workspace`: where the workspace is on this machine.
Result<Prepared> prepare(const engine::AttemptSpec& spec,
                         const std::map<Digest, std::string>& outputs, const std::string& workspace,
                         const engine::HostEnvironment& around, const Means& means);

}  // namespace interlock::worker
