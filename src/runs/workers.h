#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/redaction.h"
#include "engine/worker_ports.h"
#include "journal/lease.h"
#include "postgres/postgres_jobs.h"
#include "process/local_processes.h"
#include "runs/open_store.h"
#include "runs/run_models.h"

// Runs whose attempts workers take, and workers.
namespace interlock::runs {

/// By a variable, as with the store: `INTERLOCK_WORKERS` is `any`, or labels with commas between
/// them. Nothing: the run is this machine's. It is what this dispatcher is told, and no part of the
/// run: whoever takes the run up says it anew.
inline constexpr const char* kWorkersVariable = "INTERLOCK_WORKERS";
std::optional<std::vector<std::string>> wanted_workers(const Environment& environment);

/// Why a worker cannot do this task, as `it uses the board`; nothing: it can.
std::optional<std::string> why_not_for_workers(const plan::Plan& plan, const plan::Task& task);
/// Where workers are wanted: notes in the plan which tasks stay here, and why, and that nobody is
/// there to take any. Refused where all stay, and where the store is in a folder of this machine.
Result<void> settle_workers(plan::Plan& plan, const Environment& environment);

/// The process host of a run that workers take part in.
class SharedOut {
 public:
  virtual ~SharedOut() = default;
  virtual engine::ProcessHost& processes() = 0;
};
/// Null where no workers are wanted. `secrets`: what is told of them does not leave this machine.
/// All that is given outlives what is returned.
Result<std::unique_ptr<SharedOut>> share_out(const Environment& environment, const std::string& run,
                                             const journal::Lease& lease,
                                             process::LocalProcesses& here,
                                             const Redaction& secrets);

/// By id.
Result<std::vector<postgres::WorkerStatus>> living_workers(const StorePlace& place);

struct WorkerRequest {
  std::uint32_t slots = 1;
  std::vector<std::string> labels;
  std::string version;  ///< Of this Interlock.
};
/// Takes jobs from the store until a signal asks it to end; each slot is a process of its own.
/// `say` is called with lines for people, in any of them.
Result<void> work(const StorePlace& place, const WorkerRequest& request,
                  const std::function<void(const std::string&)>& say);

}  // namespace interlock::runs
