#include "journal/sqlite_task_index.h"

#include <map>

#include "engine/task_index.h"
#include "journal/database.h"
#include "journal/rows.h"

namespace interlock::journal {
namespace {

std::optional<std::string> document(Database& database, std::int64_t run, const std::string& name) {
  Query row(database, "SELECT text FROM documents WHERE run = ? AND name = ?", run, name);
  if (!row.next()) return std::nullopt;
  return row.text(0);
}

void take_rows(Query& rows, std::vector<TaskRow>& into) {
  while (rows.next()) {
    into.push_back({TaskId(static_cast<std::uint32_t>(rows.number(0))), rows.text(1), rows.text(4),
                    static_cast<engine::TaskState>(rows.number(2)), rows.number(3) != 0});
  }
}

static_assert(static_cast<int>(engine::TaskState::running) == 1 &&
                  static_cast<int>(engine::TaskState::done) == 4,
              "states are kept by their numbers");

// Without statistics SQLite would rather look through all of the run than use an index of ours.
#define INTERLOCK_TASKS_BY(index) \
  "SELECT number, id, state, at_gate, facts FROM tasks " index " WHERE run = ?1"
#define INTERLOCK_TASK_COLUMNS INTERLOCK_TASKS_BY("")

}  // namespace

SqliteTaskIndex::SqliteTaskIndex(Database& database, std::int64_t run)
    : database_(database),
      run_(run),
      is_kept_(document(database, run, kFactsDocument).has_value()) {}

void SqliteTaskIndex::write(std::span<const engine::RecordedEvent> events, std::uint64_t after) {
  will_be_kept_ = is_kept_;
  for (const UnwrittenFacts& one : unwritten_) {
    if (one.are_of_all())
      write_all(one, after);
    else if (will_be_kept_)
      write_tasks(one), write_of_run(one);
  }
  if (!will_be_kept_) return;
  std::map<TaskId, engine::StandingChange> changes;
  for (const engine::RecordedEvent& recorded : events)
    engine::add_standing_changes(changes, recorded.event);
  for (const auto& [task, change] : changes) {
    const auto state =
        change.state ? std::optional(static_cast<std::int64_t>(*change.state)) : std::nullopt;
    const auto at_gate =
        change.at_gate ? std::optional(std::int64_t{*change.at_gate}) : std::nullopt;
    Query(database_,
          "UPDATE tasks SET state = coalesce(?3, state), at_gate = coalesce(?4, at_gate) WHERE run "
          "= ?1 AND number = ?2",
          run_, std::int64_t{task.index()}, state, at_gate)
        .run();
  }
}

void SqliteTaskIndex::written() {
  is_kept_ = will_be_kept_;
  unwritten_.clear();
}

void SqliteTaskIndex::write_all(const UnwrittenFacts& facts, std::uint64_t after) {
  if (facts.of_run.empty()) {
    Query(database_, "DELETE FROM documents WHERE run = ? AND name = ?", run_, kFactsDocument)
        .run();
    Query(database_, "DELETE FROM documents WHERE run = ? AND name = ?", run_, kFactsDigestDocument)
        .run();
    will_be_kept_ = false;
    return;
  }
  // How tasks stand is not known where earlier events were written without.
  if (!will_be_kept_ && after > 0) return;
  will_be_kept_ = true;
  const std::string digest = facts.digest();
  if (document(database_, run_, kFactsDigestDocument) == digest) return;
  Query(database_, "DELETE FROM tasks WHERE run = ? AND number >= ?", run_,
        static_cast<std::int64_t>(facts.tasks.size()))
      .run();
  write_tasks(facts);
  write_of_run(facts);
  write_document(kFactsDigestDocument, digest);
}

void SqliteTaskIndex::write_tasks(const UnwrittenFacts& facts) {
  auto number = static_cast<std::int64_t>(facts.first);
  for (const TaskFacts& one : facts.tasks) {
    Query(
        database_,
        "INSERT INTO tasks(run, number, id, facts) VALUES(?, ?, ?, ?) ON CONFLICT(run, number) DO "
        "UPDATE SET id = excluded.id, facts = excluded.facts",
        run_, number++, one.id, one.facts)
        .run();
  }
}

void SqliteTaskIndex::write_of_run(const UnwrittenFacts& facts) {
  if (!facts.of_run.empty()) write_document(kFactsDocument, facts.of_run);
}

void SqliteTaskIndex::write_document(const std::string& name, const std::string& text) {
  Query(database_,
        "INSERT INTO documents(run, name, text) VALUES(?, ?, ?) ON CONFLICT(run, name) DO UPDATE "
        "SET text = excluded.text",
        run_, name, text)
      .run();
}

std::optional<std::string> facts_of_run(Database& database, std::int64_t run) {
  return document(database, run, kFactsDocument);
}

std::vector<TaskRow> task_rows_of(Database& database, std::int64_t run, const TaskFilter& filter) {
  std::vector<TaskRow> rows;
  for (const std::string& id : filter.ids) {
    Query named(database, INTERLOCK_TASKS_BY("INDEXED BY tasks_by_id") " AND id = ?2", run, id);
    take_rows(named, rows);
  }
  for (const TaskId task : filter.tasks) {
    Query one(database, INTERLOCK_TASK_COLUMNS " AND number = ?2", run, std::int64_t{task.index()});
    take_rows(one, rows);
  }
  if (filter.at_gates) {
    Query waiting(
        database,
        INTERLOCK_TASKS_BY("INDEXED BY tasks_at_gates") " AND at_gate = 1 ORDER BY number LIMIT ?2",
        run, static_cast<std::int64_t>(filter.most_at_gates));
    take_rows(waiting, rows);
  }
  if (filter.first_unsettled) {
    Query first(database, INTERLOCK_TASK_COLUMNS " AND state < 4 ORDER BY number LIMIT 1", run);
    take_rows(first, rows);
  }
  if (filter.first_pending) {
    Query first(database,
                INTERLOCK_TASK_COLUMNS " AND state < 4 AND state <> 1 ORDER BY number LIMIT 1",
                run);
    take_rows(first, rows);
  }
  sort_rows(rows);
  return rows;
}

Result<std::vector<engine::RecordedEvent>> events_of_task(Database& database, std::int64_t run,
                                                          std::optional<TaskId> task) {
  std::vector<engine::RecordedEvent> events;
  const std::int64_t number = task ? std::int64_t{task->index()} : engine::kOfRun;
  Query rows(
      database,
      "SELECT seq, at, name, body FROM events INDEXED BY events_of_tasks WHERE run = ? AND task IN "
      "(?, ?) ORDER BY seq",
      run, number, engine::kOfRun);
  while (rows.next()) {
    auto recorded = event_of(rows);
    if (!recorded) return std::unexpected(recorded.error());
    events.push_back(std::move(*recorded));
  }
  return events;
}

}  // namespace interlock::journal
