#pragma once

#include <string>

#include "base/result.h"
#include "engine/job.h"
#include "engine/job_queue.h"

namespace interlock::engine {

/// The files of jobs, on the dispatcher's machine.
class JobPacker {
 public:
  virtual ~JobPacker() = default;
  /// Puts what the process is to find among the job's files. An error: it cannot travel.
  virtual Result<JobSpec> pack(const SpawnSpec& spawn, JobFiles& files) = 0;
  /// What it left is in its snapshot from now on, as if it had run here, with its log.
  virtual Result<void> unpack(const SpawnSpec& spawn, const JobResult& result, JobFiles& files) = 0;
};

/// Where a worker runs its jobs, one after the other.
class JobPlace {
 public:
  virtual ~JobPlace() = default;
  /// All is there as the job says; what is to be spawned for it.
  virtual Result<SpawnSpec> set_up(const JobSpec& spec, JobFiles& files) = 0;
  /// What it left, once its tree is gone, with its log.
  virtual Result<JobResult> take(const Exited& exited, JobFiles& files) = 0;
  /// Nothing of the job is left.
  virtual void clear() = 0;
};

}  // namespace interlock::engine
