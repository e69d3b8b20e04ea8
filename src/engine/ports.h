#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/write_set.h"
#include "engine/event.h"
#include "engine/gateway.h"
#include "engine/names.h"
#include "engine/sandbox.h"
#include "footprint/glob.h"
#include "plan/plan.h"

// The outside world, as the engine sees it. Every interface has a fake in tests/support and a suite
// in tests/contract that both the fake and the real adapter pass.
namespace interlock::engine {

/// Tells the time. Contract: never goes backwards, whatever the machine's clock does; stands still
/// within a turn because the engine asks once a turn.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() = 0;
};

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

/// What process hosts report. `name` says whose it is.
struct Spawned {
  AttemptName name;
  ProcessIdentity process;
};
struct Exited {
  AttemptName name;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::uint32_t strays = 0;  ///< Processes of its tree that were still there, and were ended.
  bool output_cut = false;   ///< More came on standard output than `output_bytes_max`.
  /// Its setup or a service failed, and how, for people: one short line. Empty: they did not.
  std::string hindered = {};
  /// What of its tree could not be proven gone, a process each: `process 812 (`sleep`)`.
  std::vector<std::string> unproven = {};
};
/// What became of a dead dispatcher's attempt.
struct Leftovers {
  std::uint32_t ended = 0;            ///< Processes that were still there, and were ended.
  std::vector<std::string> unproven;  ///< As in `Exited`; of these only that they may be its.
};
/// Whole lines of its standard output, without their ends; the last also when it had none. A line
/// longer than `output_bytes_max` is told cut.
struct Printed {
  AttemptName name;
  std::vector<std::string> lines;
};
/// Something else came in: a person's request is in the journal, or a signal.
struct Poked {};
struct Interrupted {
  int signal = 0;
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
///   - reports come only out of `wait`, in the order of happening.
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

/// What was produced, by content.
struct Blob {
  Digest digest;
  std::string bytes;
};

/// A task's result as an earlier attempt left it.
struct StoredResult {
  std::string run;
  Digest key;
  std::vector<CacheKeyPart> cache_key_parts;
  std::optional<Digest> output;
  Digest wrote;
  /// Of the text of its Trace, where its key alone does not say what it read.
  std::optional<Digest> trace = {};
};

/// What a person asked of a running dispatcher.
struct Request {
  enum class Kind : unsigned char {
    approve,
    reject,
    cancel_task,
    cancel_run,
    retry,
    add,      ///< `body`: a list of tasks as in a plan document, as JSON.
    close,    ///< No more are added.
    hold,     ///< Nothing more starts; `body` `calls`: no model call is sent either.
    release,  ///< Things start again.
    retune,   ///< `body`: JSON with any of `parallel`, `tokens`, `usd` (in millionths).
    post,     ///< A note for the board; `body`: JSON with `topic` and `text`.
    send,     ///< `body`: what is said to the task's agent.
    move,     ///< `body`: JSON with `place` and perhaps `other`, the id of a task.
  };
  std::int64_t id = 0;
  Kind kind = Kind::approve;
  std::string task;  ///< Empty: the run's review, or the run.
  std::string by;
  std::string body = {};
};

/// Keeps a run's events.
///
/// Contract:
///   - `append` is one transaction: after it returns, events and blobs survive kill -9 and power
///   loss; when it fails
///     none of them is there, and the engine must not act on them;
///   - requests are durable too, and each is taken once.
class Journal {
 public:
  virtual ~Journal() = default;

  /// `results` are what the tasks done in this turn can be reused for, by key.
  virtual Result<void> append(std::span<const RecordedEvent> events, std::span<const Blob> blobs,
                              std::span<const std::pair<std::string, StoredResult>> results) = 0;
  virtual Result<std::string> blob(const Digest& digest) = 0;
  /// The newest result of this task (by id) in this workspace with this key.
  virtual Result<std::optional<StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) = 0;
  /// The newest result of this plan's task in this workspace, whatever its key: to say what
  /// changed.
  virtual Result<std::optional<StoredResult>> latest_result(const std::string& task) = 0;
  virtual Result<std::vector<Request>> take_requests() = 0;
};

/// The files tasks share, and each attempt's own folder.
class Workspace {
 public:
  virtual ~Workspace() = default;

  /// Digest of paths and contents of all that matches, in path order; folders and links by name and
  /// target.
  virtual Result<Digest> fingerprint(const footprint::PatternSet& patterns) = 0;
  /// One per path, sorted: to name the first that differed.
  virtual Result<std::vector<CacheKeyPart>> fingerprints(const footprint::PatternSet& patterns) = 0;
  /// What each path that an attempt read is now: its content, the names in it, or whether it is
  /// there and of which kind and mode. In the order content, listing, presence; equal digests: it
  /// finds the same.
  virtual Result<std::vector<CacheKeyPart>> states(const changes::ReadSet& reads) = 0;
  /// A file below the workspace; at most `max_bytes`.
  virtual Result<std::string> read(const std::string& path, std::size_t max_bytes) = 0;
  /// Makes the attempt's own folder (a fresh, empty TMPDIR `tmp` inside) and returns its absolute
  /// path.
  virtual Result<std::string> open_attempt(AttemptName name) = 0;
  /// Writes a file into that folder; returns its absolute path.
  virtual Result<std::string> put(AttemptName name, const std::string& file,
                                  std::string_view content) = 0;
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
/// The committed state is the workspace with the committed changesets upon it, in the order of
/// `commit`; `fold` brings them into the workspace itself, and is asked for only while no snapshot
/// is open. Until then every new snapshot shows them, and so do the calls of `Workspace`.
///
/// Contract:
///   - what `harvest` returned survives kill -9, and is neither lost nor changed before `discard`;
///   - `fold` changes a path only while the workspace holds there what the changesets took for
///   granted, by way of a rename, and may be broken off at any instant: the next `fold` goes on;
///   - `open` and `harvest` never change the workspace.
class Snapshots {
 public:
  virtual ~Snapshots() = default;

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
  struct Harvest {
    changes::Changeset changes;
    changes::ReadSet reads;
    changes::WriteSet writes;
    std::string gap;                   ///< Why its reads are not known exactly; empty: they are.
    std::vector<std::string> remarks;  ///< For people: changes in `.git` dropped, sockets left out.
  };
  /// An attempt whose changes are known, and what they are.
  struct Kept {
    AttemptName name;
    const changes::Changeset* changes = nullptr;
  };
  enum class Side : unsigned char {
    before,
    after,
    behind,  ///< As `after`, but links are followed, as far as they stay in the workspace.
  };

  /// For phase 0 upon the committed state of now; for a check (phase 1 and 2) upon the state the
  /// attempt saw with its harvested changes (2: the committed state with its amended changes), and
  /// what the check changes is thrown away. For `guard` there is no snapshot, only a sandbox.
  virtual Result<Opened> open(const SnapshotSpec& spec) = 0;
  /// Takes what the attempt changed, once its tree is gone.
  virtual Result<Harvest> harvest(AttemptName name, const Observed& observed,
                                  const footprint::Footprint& footprint) = 0;
  /// The reads of an attempt that still runs, as far as they can be told.
  virtual changes::ReadSet reads_so_far(AttemptName name, const Observed& observed) = 0;
  /// A regular file as the attempt found it or left it, at most `max_bytes`; of a symbolic link its
  /// target. Only paths of its changes, and for `after` and `behind` any path of its snapshot.
  virtual Result<std::string> content(AttemptName name, const std::string& path, Side side,
                                      std::size_t max_bytes) = 0;
  /// A regular file of the committed state.
  virtual Result<std::string> committed(const std::string& path, std::size_t max_bytes) = 0;
  /// Which paths that the attempt read or changed somebody else (a person) has made different in
  /// the workspace since its snapshot was opened; sorted. Content decides, not times: what was read
  /// by content differs in kind, mode or bytes, a listed folder in its names, what was only looked
  /// at in kind or mode; what was not there differs when it is there now.
  virtual std::vector<std::string> foreign(AttemptName name, const changes::ReadSet& reads,
                                           const changes::Changeset& own) = 0;
  /// Rests the attempt's changes on the committed state: files that were merged get these bytes,
  /// and all others stay. The changeset as it is then.
  virtual Result<changes::Changeset> amend(
      AttemptName name, const std::vector<std::pair<std::string, std::string>>& merged) = 0;
  /// Its changes are the newest part of the committed state from now on. `title`: for those who
  /// read a history, `run/task`. Remarks for people: what of it is in no history.
  virtual Result<std::vector<std::string>> commit(const Kept& kept, const std::string& title) = 0;
  /// Brings all committed changes into the workspace. Paths that somebody else changed meanwhile
  /// are returned, and stay as that one left them. Then nothing was changed; but where somebody
  /// changes a path during the checkpoint itself, the others may be in the workspace already, and
  /// the next checkpoint goes on.
  virtual Result<std::vector<std::string>> checkpoint() = 0;
  /// The attempt's snapshot and changes are not wanted. What `content` needs of a committed attempt
  /// stays until the run is pruned.
  virtual void discard(AttemptName name) = 0;
  /// Takes up a run: these were committed and are not yet known to be folded, in this order; those
  /// are harvested and wait. All else that is left of the run's snapshots goes. Attempts of which
  /// not all is there as it was harvested are returned, and then nothing was taken up.
  virtual Result<std::vector<AttemptName>> recover(const std::vector<Kept>& committed,
                                                   const std::vector<Kept>& waiting) = 0;
};

/// Judges outputs.
class Validator {
 public:
  virtual ~Validator() = default;

  /// Nothing when `text` is JSON that `schema` accepts; else what is wrong, where, for the agent
  /// and for people.
  virtual std::optional<std::string> complaint(const std::string& schema,
                                               std::string_view text) = 0;
};

/// What the engine may rely on.
struct Ports {
  Clock& clock;
  ProcessHost& processes;
  Journal& journal;
  Workspace& workspace;
  Snapshots& snapshots;
  Validator& validator;
  Gateway& gateway;
};

}  // namespace interlock::engine
