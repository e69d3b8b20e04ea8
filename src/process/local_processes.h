#pragma once

#include <sys/resource.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/redaction.h"
#include "engine/worker_ports.h"
#include "process/launch.h"
#include "process/observer.h"
#include "process/secrecy.h"
#include "process/tree.h"
#include "sys/descriptor.h"
#include "sys/loop.h"

namespace interlock::process {

/// How the processes of an attempt are kept together: see cgroup_trees.h and walked_trees.h.
enum class Trees : unsigned char { automatic, cgroup, walk };

struct LocalOptions {
  Trees trees = Trees::automatic;
  /// How long what outlives an attempt's root may go on before it is killed as a stray.
  Duration stray_grace{0};
  /// How long an empty tree's streams may stay open: somebody outside it was handed them.
  Duration streams_patience = std::chrono::seconds(2);
  std::size_t log_bytes_max = 64u << 20;  ///< Of one attempt.
  /// How long what was killed may take to be gone, before it is said that nobody can prove it.
  Duration kill_patience = std::chrono::seconds(10);
  /// What no log, no line and no output may hold, beside what `SpawnSpec::secrets` says of one
  /// attempt.
  Redaction redaction = {};
  /// For tests: called in the observer's thread before each call is answered.
  std::function<void()> before_answer = {};
};

/// The processes of this machine.
///
/// From `open` to its end this object owns what a process has only one of: it makes itself a
/// subreaper, is not to be read or attached to (secrecy.h), ignores SIGPIPE, takes INT, TERM, HUP
/// (reported as Interrupted) and USR1 (Poked; all four stay blocked), and raises the limit of open
/// files. Attempts that are to be watched are so by a thread of its own (observer.h). Nothing else
/// in the process may start children meanwhile, and the thread that calls `open` must make all
/// calls and outlive them: the kernel kills each root when it ends.
class LocalProcesses final : public engine::ProcessHost {
 public:
  static Result<std::unique_ptr<LocalProcesses>> open(engine::Clock& clock,
                                                      LocalOptions options = {});
  /// Kills what still runs, and returns when it is gone.
  ~LocalProcesses() override;

  Result<void> spawn(const engine::SpawnSpec& spec) override;
  void stop(engine::AttemptName name, Duration grace) override;
  std::vector<engine::Report> wait(std::optional<Time> deadline) override;
  std::optional<Time> last_output_at(engine::AttemptName name) const override;
  std::string last_line(engine::AttemptName name) const override;
  std::string take_output(engine::AttemptName name) override;
  engine::Observed observed(engine::AttemptName name) const override;
  Result<engine::Leftovers> end_leftovers(const std::string& label,
                                          const std::optional<ProcessIdentity>& process) override;

  /// Who is given the sockets that listen in attempts' own networks (`Sandbox::gateway_port`).
  void on_listener(std::function<void(engine::AttemptName, sys::Descriptor)> give) {
    on_listener_ = std::move(give);
  }

  /// Has `wait` return with a Poked; from any thread, as long as this object is there.
  void poke();
  /// Has `wait` return, though there may be nothing to report; likewise from any thread.
  void wake();

  /// How trees are kept here, and why not better: `cgroup`, or `walk: no cgroup v2 hierarchy is
  /// mounted`.
  const std::string& trees() const { return trees_in_words_; }

 private:
  struct Attempt;
  struct Inflow;

  LocalProcesses(engine::Clock& clock, LocalOptions options);
  Result<void> choose_trees();
  void take_over_process();
  Result<void> start(Attempt& attempt, const engine::SpawnSpec& spec);
  Result<Launched> launch_root(const Attempt& attempt, const engine::SpawnSpec& spec,
                               const int (&streams)[3]);
  Result<std::unique_ptr<ChildEnd>> watch_for(const engine::SpawnSpec& spec);

  void ring();
  void on_root_exit(Attempt& attempt);
  void clear_tree(Attempt& attempt);
  void kill_tree(Attempt& attempt);
  void give_up(Attempt& attempt);
  void drain(Attempt& attempt);
  void conclude(Attempt& attempt);
  void on_endings();
  void reap_orphans();

  bool read_some(Attempt& attempt, Inflow& inflow);
  void take_chunk(Attempt& attempt, Inflow& inflow, std::string_view chunk);
  void flush(Attempt& attempt, Inflow& inflow);
  void report_lines(Attempt& attempt, std::string_view chunk);
  void notify(const engine::AttemptName& name, std::string line);
  void write_some(Attempt& attempt);

  Undumpable undumpable_;

  // Constant after `open`.
  engine::Clock& clock_;
  LocalOptions options_;
  std::string trees_in_words_;
  std::vector<int> ignored_signals_;
  std::optional<rlimit> open_files_before_;
  void (*on_broken_pipe_before_)(int) = nullptr;
  sys::Descriptor nothing_;  ///< /dev/null, for those who are given no input.

  sys::Loop loop_{CLOCK_MONOTONIC};
  sys::Loop::Watch signals_;
  sys::Descriptor pokes_;  ///< An eventfd: somebody set one of these.
  std::atomic<bool> is_poked_ = false, is_to_wake_ = false;
  bool is_woken_ = false;  ///< In the middle of a `wait`, or before it.
  sys::Loop::Watch on_poke_;
  std::function<void(engine::AttemptName, sys::Descriptor)> on_listener_;
  std::unique_ptr<Observer> observer_;  ///< From the first attempt that is watched.
  bool observer_is_tried_ = false;
  sys::Loop::Watch on_endings_;
  std::unique_ptr<TreeKeeper> keeper_;
  std::map<engine::AttemptName, std::unique_ptr<Attempt>> attempts_;
  /// Concluded, but perhaps still on the stack of one of its own callbacks.
  std::vector<std::unique_ptr<Attempt>> over_;
  std::vector<engine::Report> reports_;
  bool is_ending_ = false;  ///< A signal that asks to end was heard.
  std::map<engine::AttemptName, std::string> outputs_;
};

}  // namespace interlock::process
