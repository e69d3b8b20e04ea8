#include "journal/sqlite_run_journal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "engine/task_index.h"
#include "journal/database.h"
#include "journal/rows.h"
#include "journal/samples.h"

namespace interlock::journal {
namespace {

/// Reads the row that `query` stands on: run id, key, output, wrote, parts of the cache key, trace.
Result<std::optional<engine::StoredResult>> result_of(Query& query) {
  if (!query.next()) return std::nullopt;
  auto cache_key_parts = read_cache_key_parts(query.view(4));
  if (!cache_key_parts) return std::unexpected(cache_key_parts.error());
  engine::StoredResult result;
  result.run = query.text(0);
  result.key = query.digest(1).value_or(Digest{});
  result.cache_key_parts = std::move(*cache_key_parts);
  if (!query.is_null(2)) result.output = query.digest(2);
  result.wrote = query.digest(3).value_or(Digest{});
  if (!query.is_null(5)) result.trace = query.digest(5);
  return result;
}

}  // namespace

SqliteRunJournal::SqliteRunJournal(Database& database, std::int64_t run, std::int64_t workspace,
                                   std::vector<TaskLabel> tasks)
    : database_(database),
      run_(run),
      workspace_(workspace),
      measured_(owner_of(database, run), std::move(tasks)),
      index_(database, run) {}

Result<void> SqliteRunJournal::append(
    std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  if (broken_) return std::unexpected(*broken_);
  if (auto there = database_.still_there(); !there) return there;
  auto written = database_.guarded("write", [&]() -> Result<void> {
    SQLite::Transaction transaction(database_.sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    if (auto ours = check_follows(events); !ours) return ours;
    for (const engine::Blob& blob : blobs) {
      write_blob(database_, blob);
      mention(blob.digest);
    }
    for (const engine::RecordedEvent& recorded : events) write_event(recorded);
    index_.write(events, last_);
    for (const auto& [task, result] : results) write_result(task, result);
    if (handed_out_ > 0) {
      Query(database_, "UPDATE requests SET taken = 1 WHERE run = ? AND taken = 0 AND number <= ?",
            run_, handed_out_)
          .run();
    }
    transaction.commit();
    return {};
  });
  if (!written && (database_.sqlite().getExtendedErrorCode() & 0xff) == SQLITE_IOERR)
    broken_ = written.error();
  if (written) index_.written();
  if (written && !events.empty()) last_ = events.back().seq;
  return written;
}

Result<void> SqliteRunJournal::check_follows(std::span<const engine::RecordedEvent> events) {
  Query last(database_, "SELECT seq FROM events WHERE run = ? ORDER BY seq DESC LIMIT 1", run_);
  const std::uint64_t there = last.next() ? static_cast<std::uint64_t>(last.number(0)) : 0;
  if (there != last_) return std::unexpected(went_on(there, last_));
  for (std::uint64_t expected = last_ + 1; const engine::RecordedEvent& recorded : events) {
    if (recorded.seq != expected++) return std::unexpected(went_on(recorded.seq, last_));
  }
  return {};
}

void SqliteRunJournal::write_event(const engine::RecordedEvent& recorded) {
  const std::string name(engine::name_of(recorded.event));
  const std::string body = body_of(recorded.event);
  Query(database_, "INSERT INTO events(run, seq, at, name, body, task) VALUES(?, ?, ?, ?, ?, ?)",
        run_, static_cast<std::int64_t>(recorded.seq), recorded.at, name, body,
        engine::subject_of(recorded.event))
      .run();
  mention(content_of(recorded.event));
  measured_.apply(recorded);
  write_measured(database_, measured_.take());
}

void SqliteRunJournal::mention(const std::optional<Digest>& digest) {
  if (digest)
    Query(database_, "INSERT INTO mentions(digest, run) VALUES(?, ?) ON CONFLICT DO NOTHING",
          *digest, run_)
        .run();
}

void SqliteRunJournal::write_result(const std::string& task, const engine::StoredResult& result) {
  const std::string cache_key_parts = write_cache_key_parts(result.cache_key_parts);
  Query(database_,
        "INSERT INTO results(workspace, task, key, run, output, wrote, ingredients, trace) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        workspace_, task, result.key, run_, result.output, result.wrote, cache_key_parts,
        result.trace)
      .run();
  mention(result.output);
  mention(result.trace);
}

void SqliteRunJournal::follow(const engine::RecordedEvent& recorded) {
  last_ = recorded.seq;
  measured_.apply(recorded);
  measured_.take();
}

Result<std::string> SqliteRunJournal::blob(const Digest& digest) {
  return read_blob(database_, digest);
}

Result<std::optional<engine::StoredResult>> SqliteRunJournal::find_result(const std::string& task,
                                                                          const Digest& key) {
  return database_.guarded("read", [&]() -> Result<std::optional<engine::StoredResult>> {
    Query query(database_,
                "SELECT id, key, output, wrote, ingredients, trace FROM results JOIN runs ON "
                "runs.number = run"
                " WHERE results.workspace = ? AND task = ? AND key = ?",
                workspace_, task, key);
    return result_of(query);
  });
}

Result<std::optional<engine::StoredResult>> SqliteRunJournal::latest_result(
    const std::string& task) {
  return database_.guarded("read", [&]() -> Result<std::optional<engine::StoredResult>> {
    Query query(
        database_,
        "SELECT id, key, output, wrote, ingredients, trace FROM results JOIN runs ON runs.number = "
        "run"
        " WHERE results.workspace = ?1 AND task = ?2 AND EXISTS (SELECT 1 FROM runs AS ours WHERE "
        "ours.number = ?3 AND (ours.plan_name = runs.plan_name OR ours.plan_file = "
        "runs.plan_file)) ORDER BY results.number DESC LIMIT 1",
        workspace_, task, run_);
    return result_of(query);
  });
}

Result<std::vector<engine::Request>> SqliteRunJournal::take_requests() {
  return database_.guarded("read", [&]() -> Result<std::vector<engine::Request>> {
    std::vector<engine::Request> requests;
    Query rows(
        database_,
        "SELECT number, kind, task, by, body FROM requests WHERE run = ? AND taken = 0 AND number "
        "> ? ORDER BY number",
        run_, handed_out_);
    while (rows.next()) {
      handed_out_ = rows.number(0);
      if (auto request = request_of(rows)) requests.push_back(std::move(*request));
    }
    return requests;
  });
}

}  // namespace interlock::journal
