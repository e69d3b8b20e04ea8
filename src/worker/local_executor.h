#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/file_hasher.h"
#include "engine/worker_ports.h"
#include "footprint/interlocking.h"
#include "worker/background.h"
#include "worker/preparation.h"

namespace interlock::worker {

/// Attempts on this machine: folder, snapshot, route and process of each, from its start to its
/// release.
///
///     opening --> running --> over --(collect)--> collecting --(Collected)--> (gone)
///        '-> (NotStarted)      '------(release, or it had no snapshot)--> (gone)
///
/// Opening and harvesting snapshots, removing what is not wanted, and hashing files is done by a
/// thread of its own, in the order of being asked for, so that the caller waits for no disk.
/// Processes are the caller's: the kernel ends them with the thread that made them. All functions
/// are called by one thread, the one that opened the process host.
class LocalExecutor final : public engine::Executor,
                            public engine::Inbox,
                            public engine::FileHasher {
 public:
  struct Options {
    std::string workspace;  ///< Absolute.
    engine::HostEnvironment around;
    /// Where what takes long is done. None: it is done when it is asked for.
    std::unique_ptr<Background> background = nullptr;
    /// Has the process host's `wait` return; called from there.
    std::function<void()> wake = {};
  };

  /// `outputs`: bytes of what tasks gave back, by content.
  LocalExecutor(Options options, Means means,
                std::function<Result<std::string>(const Digest&)> outputs);
  /// What was asked of the thread and not yet begun is not done.
  ~LocalExecutor() override;

  void start(engine::AttemptSpec spec) override;
  void stop(engine::AttemptName name, Duration grace) override;
  void collect(engine::AttemptName name) override;
  void release(engine::AttemptName name) override;
  std::optional<Time> last_output_at(engine::AttemptName name) const override;
  std::string last_line(engine::AttemptName name) const override;
  changes::ReadSet reads_so_far(engine::AttemptName name) override;
  Result<engine::Leftovers> end_leftovers(engine::AttemptName name, const std::string& label,
                                          const std::optional<ProcessIdentity>& process) override;
  std::vector<engine::AttemptReport> wait(std::optional<Time> deadline) override;
  void hash(engine::HashRequest request) override;
  std::vector<engine::Hashed> take_hashed() override;

  /// Itself, where it has a thread for that and files; else null.
  engine::FileHasher* hasher();
  /// Returns when all that was released is gone.
  void drain();

 private:
  struct Opening;
  struct Collecting;
  struct Hashing;
  struct Live {
    enum class State : unsigned char { opening, running, over, collecting };
    State state = State::opening;
    bool has_snapshot = false;
    bool is_observed = false;
    bool trusts_declared = false;  ///< Its reads are those that it declares.
    bool has_route = false;
    bool merges = false;             ///< It joins a file, which is taken from its folder.
    footprint::Footprint footprint;  ///< Of all whose work it does; with a snapshot.
    // What the other thread works on, for as long as it does.
    std::unique_ptr<Opening> opening;
    std::unique_ptr<Collecting> collecting;
  };

  Result<std::map<Digest, std::string>> outputs_of(const engine::AttemptSpec& spec) const;
  void on_prepared(engine::AttemptName name, Result<Prepared> prepared);
  void on_exited(engine::Exited exited);
  engine::Observed observed(engine::AttemptName name, const Live& live) const;
  void refuse(engine::AttemptName name, Error error, bool was_ready);
  /// Does `work` beside the caller, where that can be, and then `then` in the caller's thread.
  void do_beside(std::function<void()> work, std::function<void()> then = {});
  bool take_done();

  Options options_;
  Means means_;
  std::function<Result<std::string>(const Digest&)> outputs_;
  std::map<engine::AttemptName, Live> live_;
  std::vector<engine::AttemptReport> reports_;
  std::map<std::uint64_t, std::unique_ptr<Hashing>> hashing_;  ///< By the request's number.
  std::vector<engine::Hashed> hashed_;

  std::mutex mutex_;  ///< Of what follows.
  std::vector<std::function<void()>> done_;

  std::unique_ptr<Background> background_;  ///< Last: what it does uses all the others.
};

}  // namespace interlock::worker
