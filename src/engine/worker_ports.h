#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ports.h"

// What one machine does attempts with: ports of `worker`, which the dispatcher never sees. Each has
// a fake in tests/support and a suite in tests/contract that both the fake and the real adapter
// pass.
namespace interlock::engine {

/// Where, in an attempt's folder, a merge driver finds the three versions of its file. It leaves
/// the result in the second.
inline constexpr std::string_view kBaseFile = "merge/base";
inline constexpr std::string_view kOursFile = "merge/ours";
inline constexpr std::string_view kTheirsFile = "merge/theirs";

struct SpawnSpec {
  AttemptName name;
  std::vector<std::string> arguments;  ///< arguments[0] is looked up in the environment's PATH.
  std::map<std::string, std::string> environment;  ///< The whole of it.
  std::string folder;                              ///< Where it starts.
  std::string standard_input;      ///< Given to it and then closed; empty: /dev/null.
  std::string label;               ///< For process listings and logs: `run/task#attempt`.
  std::string log_folder;          ///< Its streams are kept below this: see process/log_file.h.
  bool keep_output = true;         ///< Whether `take_output` will be asked.
  bool report_lines = false;       ///< Its standard output is told as it comes (Printed).
  std::optional<Sandbox> sandbox;  ///< None: it runs in the open.
  /// Where its root says what kept its work from being done, absolute; empty: it says nothing.
  std::string remark_file = {};
  /// By name: what of its streams is never kept or told, but replaced by `[key NAME]`.
  std::vector<std::pair<std::string, std::string>> secrets;
  std::size_t output_bytes_max = 16u << 20;
};

using Report = std::variant<Spawned, Printed, Exited, Poked, Interrupted>;

/// Starts processes and ends them, whole trees at a time.
///
/// Contract:
///   - a successful `spawn` leads to one Spawned and then exactly one Exited, reported only when
///   the tree is proven
///     empty and both streams were read to their end (or were held by a stray that is now gone);
///   - with `tell_lines`, all lines are told by Printed, in order, between Spawned and Exited;
///   - a failed `spawn` leads to none, and its error says what could not be executed;
///   - `stop` asks with TERM, and after `grace` kills the whole tree; on an attempt that is over it
///   does nothing;
///   - reports come only out of `wait`, in the order of happening; it may also return without any.
class ProcessHost {
 public:
  virtual ~ProcessHost() = default;

  virtual Result<void> spawn(const SpawnSpec& spec) = 0;
  virtual void stop(AttemptName name, Duration grace) = 0;
  /// Blocks until something is to report or `deadline` has come; never longer than an hour.
  virtual std::vector<Report> wait(std::optional<Time> deadline) = 0;
  /// When the attempt last wrote to either stream (its start, before that).
  virtual std::optional<Time> last_output_at(AttemptName name) const = 0;
  /// The last line it wrote, printable; empty before the first.
  virtual std::string last_line(AttemptName name) const = 0;
  /// All of its standard output; once, after Exited.
  virtual std::string take_output(AttemptName name) = 0;
  /// What it did with files so far; all of it after Exited, until the next `spawn` of this name.
  virtual Observed observed(AttemptName name) const = 0;
  /// Ends whatever is left of a dead dispatcher's attempt and proves that nothing is; an error when
  /// what is known to be its cannot be ended. Where what shed every sign of the attempt could not
  /// be told from other processes, those that it may be are named. `process` is nothing when the
  /// dispatcher died before it could say who it was.
  virtual Result<Leftovers> end_leftovers(const std::string& label,
                                          const std::optional<ProcessIdentity>& process) = 0;
};

/// Attempts' own folders, and those of their tasks.
class AttemptFolders {
 public:
  virtual ~AttemptFolders() = default;

  /// Makes the attempt's own folder (a fresh, empty TMPDIR `tmp` inside) and returns its absolute
  /// path.
  virtual Result<std::string> open_attempt(AttemptName name) = 0;
  /// Writes a file into that folder; returns its absolute path.
  virtual Result<std::string> put(AttemptName name, const std::string& file,
                                  std::string_view content) = 0;
  /// A regular file of that folder as it is now, at most `max_bytes`. Never follows a link, and
  /// never waits: programs have had their way there.
  virtual Result<std::string> take(AttemptName name, const std::string& file,
                                   std::size_t max_bytes) = 0;
  /// Removes the attempt's folder.
  virtual void close_attempt(AttemptName name) = 0;
  /// Writes a file into the task's own folder, where it is not there with the same content; returns
  /// its absolute path.
  virtual Result<std::string> put_home(TaskId task, const std::string& file,
                                       std::string_view content) = 0;
  /// A folder of the task's own that stays over its attempts, for what programs keep in their HOME;
  /// absolute. It goes with the run's last dispatcher.
  virtual Result<std::string> home(TaskId task) = 0;
};

/// Private snapshots of the workspace, what attempts changed in them, and how that comes into the
/// workspace.
///
///     open -> (the attempt runs) -> harvest -> commit -> fold
///                 |                    |  '-> amend
///                 '-> discard          '-> discard
///
/// Contract:
///   - what `harvest` returned survives kill -9, and is neither lost nor changed before `discard`;
///   - `open` and `harvest` never change the workspace.
class Snapshots : public Tree {
 public:
  using Harvest = engine::Harvest;

  struct SnapshotSpec {
    AttemptName name;
    plan::Isolation isolation = plan::Isolation::view;
    const footprint::Footprint* footprint = nullptr;
    std::vector<std::string> writable;  ///< The attempt's own folders, absolute.
    Sandbox::Watch watch = Sandbox::Watch::all;
    bool own_network = false;
  };
  struct Opened {
    std::string folder;  ///< Where the attempt starts.
    Sandbox sandbox;
  };
  /// The snapshot of this name that is opened next is upon the committed state of now, however much
  /// is committed before it is opened.
  virtual void reserve(AttemptName name) = 0;
  /// For phase 0 upon the committed state of now; for a check upon the state the attempt saw with
  /// its harvested changes (phase 1), or the committed state with its changes as they are by now (2
  /// and 3), and what the check changes is thrown away. For `guard` there is no snapshot, only a
  /// sandbox.
  virtual Result<Opened> open(const SnapshotSpec& spec) = 0;
  /// Takes what the attempt changed, once its tree is gone.
  virtual Result<Harvest> harvest(AttemptName name, const Observed& observed,
                                  const footprint::Footprint& footprint) = 0;
  /// The reads of an attempt that still runs, as far as they can be told.
  virtual changes::ReadSet reads_so_far(AttemptName name, const Observed& observed) = 0;
  /// The attempt's snapshot and changes are not wanted. What `content` needs of a committed attempt
  /// stays until the run is pruned.
  virtual void discard(AttemptName name) = 0;
};

}  // namespace interlock::engine
