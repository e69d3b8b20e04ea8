#include "postgres/postgres_task_index.h"

namespace interlock::postgres {
namespace {

using journal::UnwrittenFacts;

template <typename T>
Outcome<void> done(const Outcome<T>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}

}  // namespace

Result<void> PostgresTaskIndex::open(Connection& connection) {
  auto rows = connection.ask("SELECT text FROM documents WHERE run = $1 AND name = $2",
                             Parameters(run_, journal::kFactsDigestDocument));
  if (!rows) return std::unexpected(rows.error());
  is_kept_ = !rows->empty();
  if (is_kept_) digest_ = rows->text(0, 0);
  return {};
}

PostgresTaskIndex::Changes PostgresTaskIndex::changes_of(
    std::span<const engine::RecordedEvent> events, std::uint64_t after) const {
  Changes changes;
  changes.is_kept = is_kept_;
  changes.digest = digest_;
  for (const UnwrittenFacts& one : unwritten_) {
    if (one.are_of_all()) {
      // How tasks stand is not known where earlier events were written without.
      const bool will_be_kept = !one.of_run.empty() && (changes.is_kept || after == 0);
      if (!will_be_kept && !changes.is_kept) continue;
      changes.is_kept = will_be_kept;
      const std::string digest = will_be_kept ? one.digest() : std::string();
      if (digest == changes.digest) continue;
      changes.digest = digest;
    } else if (!changes.is_kept) {
      continue;
    }
    changes.facts.push_back(one);
  }
  if (!changes.is_kept) return changes;
  std::map<TaskId, engine::StandingChange> standings;
  for (const engine::RecordedEvent& recorded : events)
    engine::add_standing_changes(standings, recorded.event);
  for (const auto& [task, change] : standings) {
    changes.tasks.push_back(task.index());
    changes.states.push_back(change.state ? static_cast<std::int64_t>(*change.state) : kSame);
    changes.gates.push_back(change.at_gate ? std::int64_t{*change.at_gate} : kSame);
  }
  return changes;
}

Outcome<void> PostgresTaskIndex::write(Connection& connection, const Changes& changes) const {
  for (const UnwrittenFacts& one : changes.facts) {
    if (one.are_of_all()) {
      if (auto kept = write_of_run(connection, one, changes.digest); !kept) return kept;
    }
    if (auto kept = write_tasks(connection, one); !kept) return kept;
    if (one.are_of_all() || one.of_run.empty()) continue;
    auto kept = connection.run("UPDATE documents SET text = $3 WHERE run = $1 AND name = $2",
                               Parameters(run_, journal::kFactsDocument, one.of_run));
    if (!kept) return done(kept);
  }
  return done(connection.run(
      "UPDATE tasks SET state = coalesce(nullif(c.state, -1), tasks.state), at_gate = "
      "coalesce(nullif(c.gate, -1), at_gate) FROM unnest($2::bigint[], $3::bigint[], "
      "$4::bigint[]) AS c(task, state, gate) WHERE tasks.run = $1 AND tasks.number = c.task",
      Parameters(run_, changes.tasks, changes.states, changes.gates)));
}

Outcome<void> PostgresTaskIndex::write_of_run(Connection& connection, const UnwrittenFacts& facts,
                                              const std::string& digest) const {
  const std::vector<std::string> names{journal::kFactsDocument, journal::kFactsDigestDocument};
  if (facts.of_run.empty())
    return done(connection.run("DELETE FROM documents WHERE run = $1 AND name = ANY($2)",
                               Parameters(run_, names)));
  auto gone = connection.run("DELETE FROM tasks WHERE run = $1 AND number >= $2",
                             Parameters(run_, static_cast<std::int64_t>(facts.tasks.size())));
  if (!gone) return done(gone);
  return done(connection.run(
      "INSERT INTO documents(run, name, text) SELECT $1, d.* FROM unnest($2::bytea[], "
      "$3::bytea[]) AS d ON CONFLICT (run, name) DO UPDATE SET text = excluded.text",
      Parameters(run_, names, std::vector<std::string>{facts.of_run, digest})));
}

Outcome<void> PostgresTaskIndex::write_tasks(Connection& connection,
                                             const UnwrittenFacts& facts) const {
  if (facts.tasks.empty()) return {};
  std::vector<std::int64_t> numbers;
  std::vector<std::string> ids, texts;
  for (const journal::TaskFacts& one : facts.tasks) {
    numbers.push_back(static_cast<std::int64_t>(facts.first + numbers.size()));
    ids.push_back(one.id);
    texts.push_back(one.facts);
  }
  return done(connection.run(
      "INSERT INTO tasks(run, number, id, facts) SELECT $1, t.* FROM unnest($2::bigint[], "
      "$3::bytea[], $4::bytea[]) AS t ON CONFLICT (run, number) DO UPDATE SET id = excluded.id, "
      "facts = excluded.facts",
      Parameters(run_, numbers, ids, texts)));
}

void PostgresTaskIndex::written(const Changes& changes) {
  is_kept_ = changes.is_kept;
  digest_ = changes.digest;
  unwritten_.clear();
}

std::vector<journal::TaskRow> task_rows_in(const Rows& rows) {
  std::vector<journal::TaskRow> list;
  for (std::size_t i = 0; i < rows.size(); ++i)
    list.push_back({TaskId(static_cast<std::uint32_t>(rows.number(i, 0))), rows.text(i, 1),
                    rows.text(i, 4), static_cast<engine::TaskState>(rows.number(i, 2)),
                    rows.number(i, 3) != 0});
  return list;
}

}  // namespace interlock::postgres
