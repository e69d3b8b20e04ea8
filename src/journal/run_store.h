#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "engine/event.h"
#include "engine/ports.h"
#include "journal/lease.h"

namespace interlock::journal {

/// What a run is made from: all that `resume` needs to see the same plan.
struct RunHead {
  std::string id;  ///< Given by `create_run`.
  std::string plan_name;
  std::string plan_file;  ///< As named on the command line.
  std::string workspace;  ///< Absolute.
  std::string plan_text;
  std::string files;     ///< JSON: what workspace::RecordingFiles recorded.
  std::string options;   ///< JSON: the command line's wishes.
  std::string decision;  ///< JSON: what was decided.
  Time created{};
};

/// One line of `interlock runs`.
struct RunSummary {
  std::string id, plan_name, plan_file, workspace;
  Time created{};
  std::uint64_t events = 0;
  std::optional<Time> last;  ///< Of the last event.
  std::optional<engine::RunEnded>
      ended;  ///< Nothing while a dispatcher holds it, or when that one died.
};

struct RunFilter {
  std::string workspace;  ///< Empty: any.
  std::size_t most = 0;   ///< The newest so many; 0: all.
  /// Runs that belong to this folder: those of the innermost workspace it lies in, and those whose
  /// `RunHead::options` name it in `here` (where they were started, where their plan lies).
  /// Absolute, without links; empty: any.
  std::string folder{};
  bool begun = false;  ///< Only those that a dispatcher has ever taken.
};

/// What measurements are kept under; by task, in plan order.
struct TaskLabel {
  std::string id, agent, model;
  std::string shape;      ///< See `history::Sample`; empty: the id.
  std::string account;    ///< Likewise.
  std::int64_t size = 0;  ///< Bytes of its prompt.
  /// Somebody has to join its output with others; and of which tasks, by index, a person has such
  /// outputs before them at its gate.
  bool is_loose = false;
  std::vector<TaskId> loose_before = {};
  std::int64_t joins = 0;  ///< Of a coordinator: so many outputs.
};

/// The journal of one run, as its dispatcher has it.
///
/// Contract, beside engine::Journal's: `append` is refused, and nothing of it is kept, when the
/// run has other events than this journal has followed and written, or when another dispatcher has
/// held the run since. A request counts as taken in the transaction of the events that come of it:
/// when the dispatcher dies in between, the next one takes it again.
class RunJournal : public engine::Journal {
 public:
  /// The run's plan grew by tasks with these labels.
  virtual void add_labels(std::vector<TaskLabel> labels) = 0;
};

/// The catalogue of runs and their events.
///
/// Contract: every call that changes something is one durable transaction. Reading changes nothing.
/// Errors: `missing` where there is no such run, `refused` where somebody else has changed it,
/// `io` where the store cannot be reached, read or written. Not shared between threads.
class RunStore {
 public:
  virtual ~RunStore() = default;

  /// Adds a run and returns its id; `random` tells the runs of one day apart.
  virtual Result<std::string> create_run(const RunHead& head, std::uint16_t random) = 0;
  /// Newest first.
  virtual Result<std::vector<RunSummary>> runs(const RunFilter& filter) = 0;
  Result<std::vector<RunSummary>> runs() { return runs(RunFilter{}); }
  /// The id of the run a person means: see `choose_run`.
  virtual Result<std::string> find_run(std::string_view name) = 0;
  virtual Result<RunSummary> summary(const std::string& run) = 0;
  virtual Result<RunHead> head(const std::string& run) = 0;
  /// Puts another plan, and what reading it saw, in the place of the run's own. The caller holds
  /// the run.
  virtual Result<void> replace_plan(const std::string& run, const std::string& plan_text,
                                    const std::string& files) = 0;
  /// Forgets a run, and the contents and results that only it has. The caller holds the run.
  virtual Result<void> prune(const std::string& run) = 0;

  /// The run's events after `after`, in order, one by one; an error where one is missing. The
  /// visitor may call the store.
  virtual Result<void> replay(const std::string& run, std::uint64_t after,
                              const std::function<void(engine::RecordedEvent&&)>& visit) = 0;
  Result<std::vector<engine::RecordedEvent>> events(const std::string& run,
                                                    std::uint64_t after = 0) {
    std::vector<engine::RecordedEvent> events;
    auto read = replay(run, after, [&](engine::RecordedEvent&& recorded) {
      events.push_back(std::move(recorded));
    });
    if (!read) return std::unexpected(read.error());
    return events;
  }

  /// The engine's journal of a run that the caller holds by `lease`. Store and lease outlive it.
  virtual Result<std::unique_ptr<RunJournal>> open_run(const std::string& run, const Lease& lease,
                                                       std::vector<TaskLabel> tasks) = 0;
};

}  // namespace interlock::journal
