#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/job_queue.h"
#include "engine/job_trees.h"
#include "engine/worker_ports.h"
#include "worker/background.h"

namespace interlock::worker {

/// The processes of this machine, and of workers that take jobs: what a worker can run as this
/// machine would is offered where one is free, and all else runs here. Whoever uses it sees one
/// process host (ADR 100).
///
///     spawn -> packing -> offered -> claimed -> over
///                 |          |         |  '-(its lease ends)-> offered
///                 |          |         '-(it declines)-> here
///                 '----------'-(nobody takes it)-> here, as any other process
///
/// Packing, and all that is said to the queue, is done by `step`. The clock is asked there alone.
class DistributedProcesses final : public engine::ProcessHost {
 public:
  struct Options {
    std::vector<std::string> labels;  ///< What workers are to have.
    /// Where the queue is talked to. None: that is done by who waits.
    std::unique_ptr<Background> background = nullptr;
    /// Has `wait` of the process host return; called from there.
    std::function<void()> wake = {};
    /// Whether it is not to leave this machine. None: all may.
    std::function<bool(const engine::SpawnSpec&)> keeps_here = {};
    /// Takes secrets out of what was printed elsewhere. None: there are none.
    std::function<void(std::string&)> redact = {};
  };
  /// An offer that nobody claims for so long is withdrawn, and the process runs here.
  static constexpr Duration kClaimedWithin = std::chrono::seconds(5);
  /// What was asked to stop is given up so long after its grace.
  static constexpr Duration kStoppedWithin = std::chrono::seconds(5);
  static constexpr Duration kBetweenLooks = std::chrono::milliseconds(100);

  DistributedProcesses(engine::ProcessHost& here, engine::JobQueue& queue,
                       engine::JobPacker& packer, engine::Clock& clock, Options options);
  /// Withdraws what is still offered.
  ~DistributedProcesses() override;
  DistributedProcesses(const DistributedProcesses&) = delete;

  Result<void> spawn(const engine::SpawnSpec& spec) override;
  void stop(engine::AttemptName name, Duration grace) override;
  std::vector<engine::Report> wait(std::optional<Time> deadline) override;
  std::optional<Time> last_output_at(engine::AttemptName name) const override;
  std::string last_line(engine::AttemptName name) const override;
  std::string take_output(engine::AttemptName name) override;
  engine::Observed observed(engine::AttemptName name) const override;
  Result<engine::Leftovers> end_leftovers(const std::string& label,
                                          const std::optional<ProcessIdentity>& process) override;

  /// One round with the queue: what is to be offered, stopped or given up, and how all stands.
  void step();

 private:
  struct Job {
    enum class State : unsigned char { packing, offered, claimed, here, over };
    State state = State::packing;
    engine::SpawnSpec spec;
    std::int64_t number = 0;  ///< In the queue, from `offered` on.
    Time offered_at{};
    bool is_spawned = false;  ///< Was told as such, which is told once.
    bool is_stop_sent = false;
    std::optional<Duration> grace;  ///< It is to be stopped.
    std::optional<Time> give_up_at;
    std::optional<Time> last_output;
    std::string last_line;
    std::string output;
    engine::Observed observed;
  };

  const Job* elsewhere(engine::AttemptName name) const;
  void offer(engine::AttemptName name);
  void see_to_stops(Time now);
  void follow(const engine::JobState& state, Time now);
  void run_what_is_gone(const std::vector<engine::JobState>& states);
  void finish(engine::AttemptName name, const engine::JobState& state);
  void run_here(engine::AttemptName name, Job& job);
  void end_without_result(engine::AttemptName name, Job& job, int signal);
  void report_spawned(engine::AttemptName name, Job& job, const ProcessIdentity& process);
  void spawn_what_stays();
  std::vector<engine::Report> take_reports();
  void serve();

  engine::ProcessHost& here_;
  engine::JobQueue& queue_;
  engine::JobPacker& packer_;
  engine::Clock& clock_;
  Options options_;

  mutable std::mutex mutex_;  ///< Of what follows; never held while the queue is asked.
  std::map<engine::AttemptName, Job> jobs_;
  std::vector<engine::Report> reports_;
  std::vector<std::int64_t> to_withdraw_;
  std::vector<engine::AttemptName> to_spawn_;  ///< That are to run here after all.
  std::size_t free_workers_ = 0;               ///< As far as known, those offered for taken off.
  bool is_ending_ = false;
  std::condition_variable changed_;

  std::unique_ptr<Background> background_;  ///< Last: what it does uses all the others.
};

}  // namespace interlock::worker
