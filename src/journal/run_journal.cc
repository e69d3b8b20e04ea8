#include "journal/run_journal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "base/check.h"
#include "journal/database.h"
#include "journal/rows.h"

namespace interlock::journal {
namespace {

/// Contents that a fact refers to: they stay for as long as the run does.
std::optional<Digest> content_of(const engine::Fact& fact) {
  if (const auto* ended = std::get_if<engine::AttemptEnded>(&fact)) return ended->output;
  if (const auto* done = std::get_if<engine::TaskDone>(&fact)) return done->output;
  if (const auto* merged = std::get_if<engine::MergeMade>(&fact)) return merged->output;
  return std::nullopt;
}

/// Reads the row that `query` stands on: run id, key, output, wrote, ingredients.
Result<std::optional<engine::StoredResult>> result_of(Query& query) {
  if (!query.next()) return std::nullopt;
  auto ingredients = read_ingredients(query.view(4));
  if (!ingredients) return std::unexpected(ingredients.error());
  engine::StoredResult result;
  result.run = query.text(0);
  result.key = query.digest(1).value_or(Digest{});
  result.ingredients = std::move(*ingredients);
  if (!query.is_null(2)) result.output = query.digest(2);
  result.wrote = query.digest(3).value_or(Digest{});
  return result;
}

}  // namespace

RunJournal::RunJournal(Database& database, std::int64_t run, std::int64_t workspace,
                       std::vector<TaskLabel> tasks)
    : database_(database), run_(run), workspace_(workspace), tasks_(std::move(tasks)) {}

Result<void> RunJournal::append(
    std::span<const engine::Event> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  if (broken_) return std::unexpected(*broken_);
  if (auto there = database_.still_there(); !there) return there;
  auto written = database_.guarded("write", [&]() -> Result<void> {
    SQLite::Transaction transaction(database_.sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    for (const engine::Blob& blob : blobs) {
      write_blob(database_, blob);
      mention(blob.digest);
    }
    for (const engine::Event& event : events) write_event(event);
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
  return written;
}

void RunJournal::write_event(const engine::Event& event) {
  const std::string name(engine::name_of(event.fact));
  const std::string body = body_of(event.fact);
  Query(database_, "INSERT INTO events(run, seq, at, name, body) VALUES(?, ?, ?, ?, ?)", run_,
        static_cast<std::int64_t>(event.seq), event.at, name, body)
      .run();
  mention(content_of(event.fact));
  measure(event);
  note_meeting(event);
}

void RunJournal::mention(const std::optional<Digest>& digest) {
  if (digest)
    Query(database_, "INSERT INTO mentions(digest, run) VALUES(?, ?) ON CONFLICT DO NOTHING",
          *digest, run_)
        .run();
}

void RunJournal::write_result(const std::string& task, const engine::StoredResult& result) {
  const std::string ingredients = write_ingredients(result.ingredients);
  Query(database_,
        "INSERT INTO results(workspace, task, key, run, output, wrote, ingredients) VALUES(?, ?, "
        "?, ?, ?, ?, ?)",
        workspace_, task, result.key, run_, result.output, result.wrote, ingredients)
      .run();
  mention(result.output);
}

void RunJournal::measure(const engine::Event& event) {
  const auto* attempt = std::get_if<engine::AttemptEnded>(&event.fact);
  if (attempt == nullptr || attempt->outcome != engine::Outcome::succeeded) return;
  check(attempt->task.index() < tasks_.size(), "every task of the run has its label");
  const TaskLabel& label = tasks_[attempt->task.index()];
  measure_for(workspace_, label, event, *attempt);
  measure_for(0, {"", label.agent, label.model}, event, *attempt);
  tax_for(workspace_, label, event, *attempt);
  tax_for(0, {"", label.agent, label.model}, event, *attempt);
}

void RunJournal::measure_for(std::int64_t workspace, const TaskLabel& label,
                             const engine::Event& event, const engine::AttemptEnded& attempt) {
  std::optional<std::int64_t> tokens = total_tokens(attempt.usage);
  const bool taxed = attempt.spawn_tokens && attempt.return_tokens;
  if (taxed && tokens)
    tokens = std::max<std::int64_t>(0, *tokens - *attempt.spawn_tokens - *attempt.return_tokens);
  Query(database_,
        "INSERT INTO measurements(workspace, task, agent, model, at, seq, elapsed, tokens, cost)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        workspace, label.id, label.agent, label.model, event.at,
        static_cast<std::int64_t>(event.seq), std::int64_t{attempt.elapsed.count()}, tokens,
        attempt.usage.cost)
      .run();
  Query(database_,
        "DELETE FROM measurements WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND model = ?4 "
        "AND (at, seq) <= ("
        "SELECT at, seq FROM measurements WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND "
        "model = ?4"
        " ORDER BY at DESC, seq DESC LIMIT 1 OFFSET 10)",
        workspace, label.id, label.agent, label.model)
      .run();
}

void RunJournal::tax_for(std::int64_t workspace, const TaskLabel& label, const engine::Event& event,
                         const engine::AttemptEnded& attempt) {
  if (!attempt.spawn_tokens || !attempt.return_tokens) return;
  Query(database_,
        "INSERT INTO taxes(workspace, task, agent, model, at, seq, spawn, back) VALUES(?, ?, ?, ?, "
        "?, ?, ?, ?)",
        workspace, label.id, label.agent, label.model, event.at,
        static_cast<std::int64_t>(event.seq), *attempt.spawn_tokens, *attempt.return_tokens)
      .run();
  Query(database_,
        "DELETE FROM taxes WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND model = ?4 "
        "AND (at, seq) <= ("
        "SELECT at, seq FROM taxes WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND "
        "model = ?4 ORDER BY at DESC, seq DESC LIMIT 1 OFFSET 10)",
        workspace, label.id, label.agent, label.model)
      .run();
}

/// Whether an attempt with a view met with what others had changed: what speculation is priced by.
void RunJournal::note_meeting(const engine::Event& event) {
  const auto* ended = std::get_if<engine::AttemptEnded>(&event.fact);
  const bool stopped = ended != nullptr && ended->outcome == engine::Outcome::conflicted;
  const bool met = stopped || std::holds_alternative<engine::CommitRefused>(event.fact);
  if (!met && !std::holds_alternative<engine::ChangesCommitted>(event.fact)) return;
  const TaskLabel& label = tasks_[engine::task_of(event.fact)->index()];
  const auto note = [&](std::int64_t workspace, const std::string& task) {
    Query(database_,
          "INSERT INTO meetings(workspace, task, agent, model, at, seq, met) VALUES(?, ?, ?, ?, ?, "
          "?, ?)",
          workspace, task, label.agent, label.model, event.at, static_cast<std::int64_t>(event.seq),
          std::int64_t{met ? 1 : 0})
        .run();
    Query(database_,
          "DELETE FROM meetings WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND model = ?4 "
          "AND (at, seq) <= ("
          "SELECT at, seq FROM meetings WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND "
          "model = ?4 ORDER BY at DESC, seq DESC LIMIT 1 OFFSET 20)",
          workspace, task, label.agent, label.model)
        .run();
  };
  note(workspace_, label.id);
  note(0, "");
}

Result<std::string> RunJournal::blob(const Digest& digest) { return read_blob(database_, digest); }

Result<std::optional<engine::StoredResult>> RunJournal::find_result(const std::string& task,
                                                                    const Digest& key) {
  return database_.guarded("read", [&]() -> Result<std::optional<engine::StoredResult>> {
    Query query(
        database_,
        "SELECT id, key, output, wrote, ingredients FROM results JOIN runs ON runs.number = run"
        " WHERE results.workspace = ? AND task = ? AND key = ?",
        workspace_, task, key);
    return result_of(query);
  });
}

Result<std::optional<engine::StoredResult>> RunJournal::latest_result(const std::string& task) {
  return database_.guarded("read", [&]() -> Result<std::optional<engine::StoredResult>> {
    Query query(
        database_,
        "SELECT id, key, output, wrote, ingredients FROM results JOIN runs ON runs.number = run"
        " WHERE results.workspace = ?1 AND task = ?2 AND EXISTS (SELECT 1 FROM runs AS ours WHERE "
        "ours.number = ?3 AND (ours.plan_name = runs.plan_name OR ours.plan_file = "
        "runs.plan_file)) ORDER BY results.number DESC LIMIT 1",
        workspace_, task, run_);
    return result_of(query);
  });
}

Result<std::vector<engine::Request>> RunJournal::take_requests() {
  return database_.guarded("read", [&]() -> Result<std::vector<engine::Request>> {
    std::vector<engine::Request> requests;
    Query rows(database_,
               "SELECT number, kind, task, by FROM requests WHERE run = ? AND taken = 0 AND number "
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
