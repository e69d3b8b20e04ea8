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
#include "engine/event.h"
#include "footprint/glob.h"

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

/// Names one attempt of one task, for good: a late report of an earlier attempt is told apart by
/// it. `phase` 0 is the work, 1 its verify command.
struct AttemptName {
  TaskId task;
  std::uint32_t attempt = 1;
  std::uint32_t phase = 0;

  auto operator<=>(const AttemptName&) const = default;
};

struct SpawnSpec {
  AttemptName name;
  std::vector<std::string> arguments;  ///< arguments[0] is looked up in the environment's PATH.
  std::map<std::string, std::string> environment;  ///< The whole of it.
  std::string folder;                              ///< Where it starts.
  std::string standard_input;  ///< Given to it and then closed; empty: /dev/null.
  std::string label;           ///< For process listings and logs: `run/task#attempt`.
  std::string log_folder;      ///< Its streams are kept below this: see process/log_file.h.
  bool keep_output = true;     ///< Whether `take_output` will be asked.
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
};
/// Something else came in: a person's request is in the journal, or a signal.
struct Poked {};
struct Interrupted {
  int signal = 0;
};
using Report = std::variant<Spawned, Exited, Poked, Interrupted>;

/// Starts processes and ends them, whole trees at a time.
///
/// Contract:
///   - a successful `spawn` leads to one Spawned and then exactly one Exited, reported only when
///   the tree is proven
///     empty and both streams were read to their end (or were held by a stray that is now gone);
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
  virtual std::optional<Time> last_heard(AttemptName name) const = 0;
  /// The last line it wrote, printable; empty before the first.
  virtual std::string last_line(AttemptName name) const = 0;
  /// All of its standard output; once, after Exited.
  virtual std::string take_output(AttemptName name) = 0;
  /// Ends whatever is left of a dead dispatcher's attempt and proves that nothing is; an error when
  /// that cannot be proven. `process` is nothing when the dispatcher died before it could say who
  /// it was.
  virtual Result<std::uint32_t> end_leftovers(const std::string& label,
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
  std::vector<Ingredient> ingredients;
  std::optional<Digest> output;
  Digest wrote;
};

/// What a person asked of a running dispatcher.
struct Request {
  enum class Kind : unsigned char { approve, reject, cancel_task, cancel_run, retry };
  std::int64_t id = 0;
  Kind kind = Kind::approve;
  std::string task;  ///< Empty: the run's review, or the run.
  std::string by;
};

/// Keeps a run's facts.
///
/// Contract:
///   - `append` is one transaction: after it returns, facts and blobs survive kill -9 and power
///   loss; when it fails
///     none of them is there, and the engine must not act on them;
///   - requests are durable too, and each is taken once.
class Journal {
 public:
  virtual ~Journal() = default;

  /// `results` are what the tasks done in this turn can be reused for, by key.
  virtual Result<void> append(std::span<const Event> events, std::span<const Blob> blobs,
                              std::span<const std::pair<std::string, StoredResult>> results) = 0;
  virtual Result<std::string> blob(const Digest& digest) = 0;
  /// The newest result of this task (by id) in this workspace with this key.
  virtual Result<std::optional<StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) = 0;
  /// The newest result of this task in this workspace, whatever its key: to say what changed.
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
  virtual Result<std::vector<Ingredient>> fingerprints(const footprint::PatternSet& patterns) = 0;
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
  Validator& validator;
};

}  // namespace interlock::engine
