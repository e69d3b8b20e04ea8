#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/write_set.h"
#include "engine/attempt_spec.h"
#include "engine/event.h"
#include "engine/gateway.h"
#include "engine/names.h"
#include "engine/sandbox.h"

// What an attempt is done by, wherever that is, and what is told of it: plain values.
namespace interlock::engine {

/// Its process is there. `name` says whose it is, here and in what follows.
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
  /// As in `AttemptEnded`.
  std::optional<Duration> cpu_time = {};
  std::optional<std::int64_t> memory_peak_bytes = {};
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
/// What an attempt changed, and what it read. The bytes stay where it ran, until `release`.
struct Harvest {
  changes::Changeset changes;
  changes::ReadSet reads;
  changes::WriteSet writes;
  std::string gap;                   ///< Why its reads are not known exactly; empty: they are.
  std::vector<std::string> remarks;  ///< For people: changes in `.git` dropped, sockets left out.
};

/// It did not begin: of one that is short of what others hold, that is tried again
/// (`engine/shortage`).
struct NotStarted {
  AttemptName name;
  Error error;
  bool was_ready = false;             ///< Only its process could not be made.
  std::vector<ModelCall> calls = {};  ///< Of its route, as in `Finished`.
};
/// Its tree is gone, and nothing of it is sent any more.
struct Finished {
  Exited exited;
  std::string output;  ///< What it printed, where the task's output is that.
  /// What it did with files; of work in a sandbox alone.
  std::optional<Observed> observed;
  /// Of a route: calls that were not yet told, what it was kept from connecting to, and what it
  /// was connected to, for people.
  std::vector<ModelCall> calls;
  std::vector<std::string> refused_hosts, visited_hosts;
  /// Of a merge driver: what it left as the result.
  std::optional<Result<std::string>> merged = {};
};
struct Collected {
  AttemptName name;
  Result<Harvest> harvest;
};
using AttemptReport =
    std::variant<Spawned, Printed, Finished, Collected, NotStarted, Poked, Interrupted>;

/// Does attempts. What comes of them is told by the `Inbox`, in this order:
///
///     start -> Spawned, Printed ..., Finished       collect -> Collected
///          '-> NotStarted
///
/// Contract:
///   - each `start` leads to exactly one NotStarted, or to one Spawned and then exactly one
///   Finished, told only when the process tree is proven empty and its streams were read to
///   their end;
///   - a snapshot shows the state that was committed when `start` was called, whenever it is
///   opened;
///   - `start`, `stop`, `collect` and `release` return at once, as far as one who does them
///   beside the caller is to be had;
///   - on what is over `stop` does nothing.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual void start(AttemptSpec spec) = 0;
  /// Asks with TERM, and after `grace` kills the whole tree. What was not yet begun is not begun.
  virtual void stop(AttemptName name, Duration grace) = 0;
  /// Takes what work in a snapshot changed, once it is Finished. What `Collected` tells survives
  /// kill -9, and is neither lost nor changed before `release`.
  virtual void collect(AttemptName name) = 0;
  /// Its snapshot and its changes are not wanted, or those of its check. What `Tree::content`
  /// needs of a committed attempt stays.
  virtual void release(AttemptName name) = 0;

  /// When it last wrote to either stream (its start, before that); nothing: it does not run.
  virtual std::optional<Time> last_output_at(AttemptName name) const = 0;
  /// The last line it wrote, printable; empty before the first.
  virtual std::string last_line(AttemptName name) const = 0;
  /// What work in a snapshot has read, as far as that can be told while it runs.
  virtual changes::ReadSet reads_so_far(AttemptName name) = 0;
  /// Ends whatever is left of a dead dispatcher's attempt, and proves that nothing is; an error
  /// when what is known to be its cannot be ended. Its folder goes. `process` is nothing when the
  /// dispatcher died before it could say who it was.
  virtual Result<Leftovers> end_leftovers(AttemptName name, const std::string& label,
                                          const std::optional<ProcessIdentity>& process) = 0;
};

/// Where all that is told comes in. It belongs to none of those who tell.
class Inbox {
 public:
  virtual ~Inbox() = default;
  /// Blocks until something came in or `deadline` has come; never longer than an hour. In the
  /// order of happening.
  virtual std::vector<AttemptReport> wait(std::optional<Time> deadline) = 0;
};

}  // namespace interlock::engine
