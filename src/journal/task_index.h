#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "engine/run_state.h"
#include "journal/run_store.h"

// What a store keeps of a run's tasks beside their events, so that one of them can be looked at
// without the plan and without what happened to all others (ADR 105).
namespace interlock::journal {

/// What is shown of a task without the plan: its name, and words that only `runs/task_facts.h`
/// reads.
struct TaskFacts {
  std::string id, facts;
};

/// How a task stands, kept beside the events and made of them.
struct TaskRow {
  TaskId task;
  std::string id, facts;
  engine::TaskState state = engine::TaskState::waiting;
  bool at_gate = false;
};

/// Which tasks are wanted: those that any of these says.
struct TaskFilter {
  std::vector<std::string> ids{};
  std::vector<TaskId> tasks{};
  bool at_gates = false;
  bool first_unsettled = false;  ///< Neither done, failed, skipped nor cancelled.
  bool first_pending = false;    ///< Neither that nor running: where a run in plan order stands.
  std::size_t most_at_gates = 1000;
};

/// A run without its plan.
struct RunOutline {
  RunHead head;       ///< Without plan, files and decision.
  std::string facts;  ///< Of its tasks together.
};

/// Contract: what it says of a task is what the run's events make of it, those that are durable and
/// no others. Reading changes nothing. Errors: as `RunStore`.
class TaskIndex {
 public:
  virtual ~TaskIndex() = default;

  /// Nothing where no index is kept of the run: its plan and its events are all there is.
  virtual Result<std::optional<RunOutline>> outline(const std::string& run) = 0;
  /// In plan order, each once. Only of a run with an outline.
  virtual Result<std::vector<TaskRow>> task_rows(const std::string& run,
                                                 const TaskFilter& filter) = 0;
  /// Events of this task, or of none, and those of the run itself (engine::subject_of), in order.
  virtual Result<std::vector<engine::RecordedEvent>> events_of(const std::string& run,
                                                               std::optional<TaskId> task) = 0;
};
/// Null: this store keeps none, and every run is read whole.
TaskIndex* task_index_of(RunStore& store);

/// A run's journal that keeps one.
class TaskIndexWriter {
 public:
  virtual ~TaskIndexWriter() = default;

  /// Keeps what is shown of the tasks from `first` on, with the next append; with `first` 0, of all
  /// tasks, and of the run itself: `of_run` empty, its tasks cannot be looked at alone. Nor can
  /// those of a run whose first event was appended without. With another `first`, `of_run` empty
  /// leaves what is known of the run as it is.
  virtual void keep_facts(std::size_t first, std::vector<TaskFacts> tasks, std::string of_run) = 0;
};
/// Null: as above.
TaskIndexWriter* task_index_writer_of(RunJournal& journal);

/// Facts that were told and are not written yet.
struct UnwrittenFacts {
  std::size_t first = 0;
  std::vector<TaskFacts> tasks;
  std::string of_run;

  bool are_of_all() const { return first == 0; }
  /// Of all of it: equal facts are not written again when a run is taken up.
  std::string digest() const;
};

/// The names of the documents of a run that has an index: what is told of it, and the digest.
inline const std::string kFactsDocument = "facts";
inline const std::string kFactsDigestDocument = "facts_digest";

/// What a summary says of its run; the rest is empty.
RunHead head_of(const RunSummary& summary);

/// In plan order, each once.
void sort_rows(std::vector<TaskRow>& rows);

}  // namespace interlock::journal
