#include "journal/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "journal/database.h"
#include "journal/rows.h"
#include "journal/run_id.h"
#include "journal/run_lock.h"
#include "journal/sqlite_run_journal.h"
#include "journal/sqlite_task_index.h"

namespace interlock::journal {
namespace {

std::int64_t workspace_number(Database& database, const std::string& path) {
  Query(database, "INSERT INTO workspaces(path) VALUES(?) ON CONFLICT DO NOTHING", path).run();
  Query number(database, "SELECT number FROM workspaces WHERE path = ?", path);
  number.next();
  return number.number(0);
}

void write_document(Database& database, std::int64_t run, const std::string& name,
                    const std::string& text) {
  Query(database, "INSERT INTO documents(run, name, text) VALUES(?, ?, ?)", run, name, text).run();
}

bool is_taken(Database& database, const std::string& id) {
  return Query(database, "SELECT 1 FROM runs WHERE id = ?", id).next();
}

/// Reads number, id, plan name, plan file, workspace, created, and adds what the last event says.
Result<RunSummary> summary_of(Database& database, const Query& row) {
  RunSummary summary{row.text(1), row.text(2), row.text(3), row.text(4), row.time(5), 0, {}, {}};
  Query last(database,
             "SELECT seq, at, name, body FROM events WHERE run = ? ORDER BY seq DESC LIMIT 1",
             row.number(0));
  if (!last.next()) return summary;
  auto recorded = event_of(last);
  if (!recorded) return std::unexpected(recorded.error());
  summary.events = recorded->seq;
  summary.last = recorded->at;
  if (const auto* ended = std::get_if<engine::RunEnded>(&recorded->event)) summary.ended = *ended;
  return summary;
}

#define INTERLOCK_SUMMARY_COLUMNS "runs.number, id, plan_name, plan_file, path, created"

/// The innermost workspace with runs that `folder` is or lies in; empty: there is none.
std::string workspace_around(Database& database, const std::string& folder) {
  std::string innermost;
  if (folder.empty()) return innermost;
  Query rows(database, "SELECT path FROM workspaces WHERE number IN (SELECT workspace FROM runs)");
  while (rows.next()) {
    std::string path = rows.text(0);
    const std::string below = path.ends_with('/') ? path : path + "/";
    if ((folder == path || folder.starts_with(below)) && path.size() > innermost.size())
      innermost = std::move(path);
  }
  return innermost;
}

}  // namespace

SqliteStore::SqliteStore(std::string state_folder, std::unique_ptr<Database> database)
    : SqliteMeasurements(std::move(database)), state_folder_(std::move(state_folder)) {}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& state_folder,
                                                       Access access) {
  auto database = Database::open(state_folder, access);
  if (!database) return std::unexpected(database.error());
  return std::unique_ptr<SqliteStore>(new SqliteStore(state_folder, std::move(*database)));
}

Result<std::string> SqliteStore::create_run(const RunHead& head, std::uint16_t random) {
  return database().guarded("write", [&]() -> Result<std::string> {
    if (auto there = database().still_there(); !there) return std::unexpected(there.error());
    SQLite::Transaction transaction(database().sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    std::string id = make_run_id(head.created, random);
    for (int tries = 0; is_taken(database(), id); ++tries) {
      if (tries == 0xffff)
        return fail(Error::Kind::refused, "all 65536 run ids of today are taken");
      id = make_run_id(head.created, ++random);
    }
    const std::int64_t workspace = workspace_number(database(), head.workspace);
    Query(database(),
          "INSERT INTO runs(id, created, plan_name, plan_file, workspace) VALUES(?, ?, ?, ?, ?)",
          id, head.created, head.plan_name, head.plan_file, workspace)
        .run();
    const std::int64_t run = database().sqlite().getLastInsertRowid();
    Query(database(), "INSERT INTO sampled(run) VALUES(?)", run).run();
    write_document(database(), run, "plan", head.plan_text);
    write_document(database(), run, "files", head.files);
    write_document(database(), run, "options", head.options);
    write_document(database(), run, "decision", head.decision);
    transaction.commit();
    return id;
  });
}

Result<void> SqliteStore::replace_plan(const std::string& run, const std::string& plan_text,
                                       const std::string& files) {
  return database().guarded("write", [&]() -> Result<void> {
    if (auto there = database().still_there(); !there) return there;
    SQLite::Transaction transaction(database().sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    const auto replace = [&](const std::string& name, const std::string& text) {
      Query(database(),
            "UPDATE documents SET text = ?3 WHERE name = ?2 AND run = (SELECT number FROM runs "
            "WHERE id = ?1)",
            run, name, text)
          .run();
    };
    replace("plan", plan_text);
    replace("files", files);
    transaction.commit();
    return {};
  });
}

Result<std::vector<RunSummary>> SqliteStore::runs(const RunFilter& filter) {
  return database().guarded("read", [&]() -> Result<std::vector<RunSummary>> {
    std::vector<RunSummary> summaries;
    const std::int64_t most = filter.most == 0 ? -1 : static_cast<std::int64_t>(filter.most);
    const std::string around = workspace_around(database(), filter.folder);
    Query rows(database(),
               "SELECT " INTERLOCK_SUMMARY_COLUMNS
               " FROM runs JOIN workspaces ON workspaces.number = workspace"
               " WHERE (?1 = '' OR path = ?1) AND (?3 = '' OR path = ?4 OR EXISTS ("
               "SELECT 1 FROM documents, json_each(CASE WHEN json_valid(text) THEN text ELSE '{}' "
               "END, '$.here') WHERE documents.run = runs.number AND documents.name = 'options' "
               "AND json_each.value = ?3))"
               " AND (NOT ?5 OR EXISTS (SELECT 1 FROM events WHERE events.run = runs.number))"
               " ORDER BY runs.number DESC LIMIT ?2",
               filter.workspace, most, filter.folder, around,
               static_cast<std::int64_t>(filter.begun));
    while (rows.next()) {
      auto summary = summary_of(database(), rows);
      if (!summary) return std::unexpected(summary.error());
      summaries.push_back(std::move(*summary));
    }
    return summaries;
  });
}

Result<std::string> SqliteStore::find_run(std::string_view name) {
  return database().guarded("read", [&]() -> Result<std::string> {
    std::vector<std::string> ids;
    Query rows(database(), "SELECT id FROM runs ORDER BY number DESC");
    while (rows.next()) ids.push_back(rows.text(0));
    return choose_run(name, ids);
  });
}

Result<RunSummary> SqliteStore::summary(const std::string& run) {
  return database().guarded("read", [&]() -> Result<RunSummary> {
    if (auto number = number_of_run(database(), run); !number)
      return std::unexpected(number.error());
    Query row(database(),
              "SELECT " INTERLOCK_SUMMARY_COLUMNS
              " FROM runs JOIN workspaces ON workspaces.number = workspace WHERE id = ?",
              run);
    row.next();
    return summary_of(database(), row);
  });
}

Result<RunHead> SqliteStore::head(const std::string& run) {
  return database().guarded("read", [&]() -> Result<RunHead> {
    auto summary = this->summary(run);
    if (!summary) return std::unexpected(summary.error());
    RunHead head = head_of(*summary);
    Query rows(database(),
               "SELECT name, text FROM documents JOIN runs ON number = run WHERE id = ?", run);
    while (rows.next()) {
      const std::string name = rows.text(0);
      if (name == "plan") head.plan_text = rows.text(1);
      if (name == "files") head.files = rows.text(1);
      if (name == "options") head.options = rows.text(1);
      if (name == "decision") head.decision = rows.text(1);
    }
    return head;
  });
}

Result<void> SqliteStore::replay(const std::string& run, std::uint64_t after,
                                 const std::function<void(engine::RecordedEvent&&)>& visit) {
  return database().guarded("read", [&]() -> Result<void> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    // A statement of its own: the visitor may replay as well.
    SQLite::Statement statement(
        database().sqlite(),
        "SELECT seq, at, name, body FROM events WHERE run = ? AND seq > ? ORDER BY seq");
    Query rows(statement, *number, static_cast<std::int64_t>(after));
    for (std::uint64_t expected = after + 1; rows.next(); ++expected) {
      auto recorded = event_of(rows);
      if (!recorded) return std::unexpected(recorded.error());
      if (recorded->seq != expected) {
        return fail(
            Error::Kind::io,
            fmt::format("the journal is damaged: event {} of run `{}` is missing", expected, run));
      }
      visit(std::move(*recorded));
    }
    return {};
  });
}

Result<std::optional<RunOutline>> SqliteStore::outline(const std::string& run) {
  return database().guarded("read", [&]() -> Result<std::optional<RunOutline>> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    auto facts = facts_of_run(database(), *number);
    if (!facts) return std::nullopt;
    auto summary = this->summary(run);
    if (!summary) return std::unexpected(summary.error());
    RunHead head = head_of(*summary);
    Query options(database(), "SELECT text FROM documents WHERE run = ? AND name = 'options'",
                  *number);
    if (options.next()) head.options = options.text(0);
    return RunOutline{std::move(head), std::move(*facts)};
  });
}

Result<std::vector<TaskRow>> SqliteStore::task_rows(const std::string& run,
                                                    const TaskFilter& filter) {
  return database().guarded("read", [&]() -> Result<std::vector<TaskRow>> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    return task_rows_of(database(), *number, filter);
  });
}

Result<std::vector<engine::RecordedEvent>> SqliteStore::events_of(const std::string& run,
                                                                  std::optional<TaskId> task) {
  return database().guarded("read", [&]() -> Result<std::vector<engine::RecordedEvent>> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    return events_of_task(database(), *number, task);
  });
}

Result<std::string> SqliteStore::blob(const Digest& digest) {
  return read_blob(database(), digest);
}

Result<std::int64_t> SqliteStore::post_request(const std::string& run,
                                               const engine::Request& request, Time at) {
  return database().guarded("write", [&]() -> Result<std::int64_t> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    const std::string kind = name_of(request.kind);
    Query(database(),
          "INSERT INTO requests(run, at, kind, task, by, body) VALUES(?, ?, ?, ?, ?, ?)", *number,
          at, kind, request.task, request.by, request.body)
        .run();
    return database().sqlite().getLastInsertRowid();
  });
}

Result<std::vector<engine::Request>> SqliteStore::open_requests(const std::string& run) {
  return database().guarded("read", [&]() -> Result<std::vector<engine::Request>> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    std::vector<engine::Request> requests;
    Query rows(
        database(),
        "SELECT number, kind, task, by, body FROM requests WHERE run = ? AND taken = 0 ORDER BY "
        "number",
        *number);
    while (rows.next()) {
      if (auto request = request_of(rows)) requests.push_back(std::move(*request));
    }
    return requests;
  });
}

Result<void> SqliteStore::prune(const std::string& run) {
  return database().guarded("write", [&]() -> Result<void> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    SQLite::Transaction transaction(database().sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    Query(database(),
          "DELETE FROM blobs WHERE digest IN (SELECT digest FROM mentions WHERE run = ?1)"
          " AND NOT EXISTS (SELECT 1 FROM mentions WHERE mentions.digest = blobs.digest AND run <> "
          "?1)",
          *number)
        .run();
    Query(database(), "DELETE FROM runs WHERE number = ?", *number).run();
    transaction.commit();
    database().sqlite().exec("PRAGMA incremental_vacuum");
    return {};
  });
}

Result<std::unique_ptr<RunJournal>> SqliteStore::open_run(const std::string& run, const Lease&,
                                                          std::vector<TaskLabel> tasks) {
  return database().guarded("open", [&]() -> Result<std::unique_ptr<RunJournal>> {
    const auto number = number_of_run(database(), run);
    if (!number) return std::unexpected(number.error());
    Query row(database(), "SELECT workspace FROM runs WHERE number = ?", *number);
    row.next();
    auto journal =
        std::make_unique<SqliteRunJournal>(database(), *number, row.number(0), std::move(tasks));
    // Attempts that were open when its last dispatcher ended.
    auto read =
        replay(run, 0, [&](engine::RecordedEvent&& recorded) { journal->follow(recorded); });
    if (!read) return std::unexpected(read.error());
    return journal;
  });
}

namespace {

/// The kernel takes it from no process that lives, and lets go of it with the process.
class FileLease final : public Lease {
 public:
  explicit FileLease(RunLock lock) : lock_(std::move(lock)) {}
  std::int64_t epoch() const override { return 0; }
  Result<void> held() const override { return {}; }
  void on_news(std::function<void()>) override {}  // Whoever asks is here, and sends a signal.

 private:
  RunLock lock_;
};

}  // namespace

Result<std::unique_ptr<Lease>> SqliteStore::lease_run(const Holder& holder) {
  auto lock = lock_run(state_folder_, holder);
  if (!lock) return std::unexpected(lock.error());
  return std::make_unique<FileLease>(std::move(*lock));
}

Result<std::optional<Holder>> SqliteStore::holder_of_run(const std::string& run) {
  return journal::holder_of_run(state_folder_, run);
}

}  // namespace interlock::journal
