#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/run_state.h"
#include "engine/status.h"
#include "report/board.h"
#include "runs/chosen_run.h"
#include "runs/decision_record.h"

// What a run was, as one value: the report, the trace and the page are drawn from it.
namespace interlock::report {

/// What a task did, or waited for, from one moment to another.
struct Span {
  enum class Kind : unsigned char {
    needs,
    conflict,
    slot,
    quota,
    gate,
    backoff,
    turn,     ///< Its attempt is over; its changes wait for their turn.
    pending,  ///< Still waits; for what, `TaskRow::remark` says.
    work,     ///< An attempt that succeeded.
    failed,
    redone,  ///< An attempt that came to nothing for what others changed, or was broken off.
    running,
  };
  Kind kind = Kind::work;
  Time from{}, to{};
  std::uint32_t attempt = 0;  ///< 0: of none.

  bool is_attempt() const { return kind >= Kind::work; }
};
std::string_view name_of(Span::Kind kind);

struct TaskRow {
  TaskId task;
  std::string id, agent, model;
  engine::TaskState state = engine::TaskState::waiting;
  std::string remark;  ///< Why it failed, was skipped, waits; where it was taken from.
  std::vector<Span> spans;
  Usage used;  ///< What is known of it.
  engine::Completeness complete;
  std::optional<Duration> elapsed;  ///< Of the attempt that counts.
  engine::WaitedFor waited;
  bool critical = false;  ///< On the chain that the run's end hung on.
  bool unused = false;    ///< A place of a fan-out that is nobody's task, or not known to be one.
};

/// A changeset that met with what others had changed, or joined it.
struct ConflictRow {
  std::string task;
  std::uint32_t attempt = 1;
  std::vector<std::string> paths;  ///< The first few.
  std::size_t count = 0;           ///< How many there are.
  std::vector<std::string> by;     ///< None: somebody outside the run.
  std::string ending;              ///< `merged`, `done again`, `mended`, ...
  /// Of an attempt that was stopped for it while it worked: which path, and whose; then the rest is
  /// empty.
  std::string detail{};
  bool is_merged = false;  ///< What both changed was merged.
};

struct OutputRow {
  std::string name, kind;  ///< `merge` or `task`.
  std::optional<Digest> digest;
  std::string failure;  ///< Of a merge that could not be made.
  std::string text;     ///< Its beginning; empty: it is no text, or there is none.
  std::size_t bytes = 0;
};

/// The end of what a failed attempt printed.
struct FailureLog {
  std::string task, why;
  std::uint32_t attempt = 1;
  std::string lines;
  bool is_cut = false;  ///< Something stands before it.
};

struct RunRecord {
  std::string id, workspace;
  std::string state;  ///< `finished`, `running`, ...
  Time began{}, until{};
  engine::RunStatus status;
  std::optional<runs::DecisionRecord> decided;
  std::vector<TaskRow> tasks;  ///< All, in plan order.
  std::vector<ConflictRow> conflicts;
  std::vector<OutputRow> outputs;
  std::vector<FailureLog> failures;
  std::vector<TopicRow> topics;      ///< Of the board; for documents only.
  std::vector<MessageRow> messages;  ///< Likewise.
};

/// `now`: until when what still goes on is shown. Logs are read from `state_folder`.
RunRecord record_of_run(const runs::ChosenRun& run, journal::Store& store,
                        const std::string& state_folder, Time now);
/// The same for people: with the board, and without places of fan-outs that are nobody's task.
RunRecord record_for_document(const runs::ChosenRun& run, journal::Store& store,
                              const std::string& state_folder, Time now);
/// What tasks did and waited for, and which the end hung on; the part that needs no file. A row a
/// place in plan order: also those that are unused.
std::vector<TaskRow> task_rows_of(const runs::ChosenRun& run, const engine::RunStatus& status,
                                  Time until);

/// What overlapping saved; negative: it cost. Nothing where that is not known: the run is not over,
/// or something failed or waited for a quota, so that one by one would have taken longer than the
/// sum of what succeeded.
std::optional<Duration> saved_by(const engine::RunStatus& status);

/// What is known of a task's use, and what it waited for, over all of its attempts.
engine::Usage usage_of(const engine::TaskRecord& record);
engine::WaitedFor waited_of(const engine::TaskRecord& record);

/// `12.3k`, `at least 12.3k`, `unknown`, `none`: no model was asked.
std::string tokens_text(const TaskRow& row);
std::string cost_text(const TaskRow& row);

}  // namespace interlock::report
