#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/job_queue.h"
#include "engine/job_trees.h"
#include "engine/worker_ports.h"

namespace interlock::worker {

/// A worker: claims one job at a time, runs it, and hands in what came of it.
///
///     idle --claim--> running --its end--> handing in --> idle
///                        '--(the lease is lost)--> killed, its end thrown away --> idle
///
/// What runs is killed before its lease ends, by this machine's own clock, whether the store can be
/// reached or not: from then on the job may be another's.
class JobRunner {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  ///< This machine's own.
    /// A clock that runs on while the machine sleeps.
    std::function<Duration()> uptime;
    Duration between_renewals = std::chrono::seconds(1);
    Duration between_claims = std::chrono::milliseconds(200);
    std::function<void(const std::string&)> on_job = {};  ///< What becomes of jobs, for people.
  };

  JobRunner(engine::ProcessHost& processes, engine::JobSource& source, engine::JobPlace& place,
            engine::Clock& clock, Options options);

  /// One round. Waits for the job's process, or `at_most`. False: it was asked to end, and nothing
  /// of it runs any more.
  [[nodiscard]] bool step(Duration at_most);

 private:
  class RenewingFiles;

  /// The job it has.
  struct Job {
    engine::ClaimedJob claimed;
    std::string label = {};
    engine::AttemptName name = {};
    bool is_held = true;     ///< As far as the store said so.
    bool runs = false;       ///< It was spawned, and has not ended.
    bool is_killed = false;  ///< Because it was lost.
    std::optional<ProcessIdentity> process = {};
    std::optional<engine::Exited> exited = {};  ///< Its end, which is not handed in yet.
    std::string output = {};
    std::optional<Duration> stops_within = {};  ///< It was asked to stop so.
    std::optional<Duration> renewed_at = {};    ///< None: it is to be renewed at once.
  };

  void claim_one();
  [[nodiscard]] Result<void> set_up();
  void renew();
  /// Once it was killed for that, it stays lost: a lease that is renewed after all does not make a
  /// result of what was broken off.
  bool is_lost() const;
  void hand_in();
  void drop();
  engine::JobProgress progress() const;
  void say(const std::string& what) const;
  void on_report(engine::Report& report);

  engine::ProcessHost& processes_;
  engine::JobSource& source_;
  engine::JobPlace& place_;
  engine::Clock& clock_;
  Options options_;
  std::optional<Job> job_;
  std::optional<Duration> looked_at_;  ///< For a job, when there was none.
  bool is_ending_ = false;
};

}  // namespace interlock::worker
