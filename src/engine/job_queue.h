#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/process_identity.h"
#include "base/result.h"
#include "base/units.h"

// Attempts' processes as jobs for workers, which may be on other machines (ADR 100). Both ports
// have a fake in tests/support and a suite in tests/contract that the fake and the real adapter
// pass.
namespace interlock::engine {

/// Files that go with a run's jobs, there and back, by content.
class JobFiles {
 public:
  virtual ~JobFiles() = default;
  virtual Result<std::set<Digest>> missing(const std::vector<Digest>& digests) = 0;
  /// Nothing is done where it is there already.
  virtual Result<void> put(const Digest& digest, std::string_view bytes) = 0;
  /// Held to its digest.
  virtual Result<std::string> get(const Digest& digest) = 0;
};

struct JobOffer {
  std::string label;                ///< `run/task#attempt`.
  std::vector<std::string> labels;  ///< A worker that takes it has all of these.
  std::string spec;                 ///< `worker::JobSpec` as text.
};

/// What a worker tells of a job while it has it.
struct JobProgress {
  std::optional<ProcessIdentity> process;  ///< None: it is not spawned yet.
  Duration silent_for{};                   ///< Since it last wrote to either stream.
  std::string last_line;
};

struct JobState {
  enum class State : unsigned char {
    offered,
    claimed,   ///< A worker has it, and its lease has not run out.
    finished,  ///< `text` is the result: `worker::JobResult`.
    declined,  ///< The worker that had it cannot do it; `text` says why.
  };
  std::int64_t job = 0;
  State state = State::offered;
  std::string worker;  ///< Who has it, or had it; empty: nobody yet.
  JobProgress progress;
  std::string text;
};

/// A run's jobs, as its dispatcher has them.
///
///     offered --claim--> claimed --finish--> finished
///        ^  '--withdraw     |  '--decline--> declined
///        '--the lease ends--'
///
/// Contract:
///   - a job is had by one worker at a time, and each claim has a larger fence than those before
///   it;
///   - of a job that was withdrawn, or whose lease ended, nothing is accepted from who had it;
///   - what `look` told as finished or declined stays so.
class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// How many living workers with all of these labels have no job, and none is offered for.
  virtual Result<std::size_t> free_workers(const std::vector<std::string>& labels) = 0;
  /// Its number. Refused where another dispatcher has the run by now.
  virtual Result<std::int64_t> offer(const JobOffer& offer) = 0;
  /// It is nobody's any more. Nothing is done where it is not there.
  virtual Result<void> withdraw(std::int64_t job) = 0;
  /// Whoever has it ends it: asks with TERM, and after `grace` kills the whole tree.
  virtual Result<void> ask_to_stop(std::int64_t job, Duration grace) = 0;
  /// All jobs that were not withdrawn, by number. Whose lease has ended is offered again first.
  virtual Result<std::vector<JobState>> look() = 0;
  virtual JobFiles& files() = 0;
};

struct ClaimedJob {
  std::int64_t job = 0;
  std::int64_t fence = 0;
  std::string spec;
  /// By the worker's own clock that runs on while the machine sleeps: the process has ended by
  /// then, or the lease was renewed.
  Duration until{};
};

/// Jobs, as one worker has them: one at a time.
class JobSource {
 public:
  virtual ~JobSource() = default;

  struct Renewed {
    bool is_held = true;              ///< False: what it hands in would not be accepted.
    std::optional<Duration> grace{};  ///< The job is to be stopped.
    Duration until{};                 ///< As in `ClaimedJob`.
  };

  /// Says that the worker lives.
  virtual Result<void> report_alive() = 0;
  /// Nothing: there is none that it may do.
  virtual Result<std::optional<ClaimedJob>> claim() = 0;
  virtual Result<Renewed> renew(const ClaimedJob& claimed, const JobProgress& progress) = 0;
  /// False: it was fenced, and the result is thrown away. To say it twice is as once.
  virtual Result<bool> finish(const ClaimedJob& claimed, const std::string& result) = 0;
  /// It cannot do this, for this reason.
  virtual Result<void> decline(const ClaimedJob& claimed, const std::string& why) = 0;
  /// It will not end it: others may have it at once.
  virtual Result<void> give_back(const ClaimedJob& claimed) = 0;
  /// Those of the job's run.
  virtual JobFiles& files(const ClaimedJob& claimed) = 0;
};

}  // namespace interlock::engine
