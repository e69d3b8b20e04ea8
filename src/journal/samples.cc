#include "journal/samples.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "journal/format.h"

namespace interlock::journal {
namespace {

constexpr const char* kInsert =
    "INSERT INTO samples(at, workspace, task, agent, model, plan, run, attempt, body)"
    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";

Tokens at_least_none(Tokens tokens) { return tokens < 0 ? 0 : tokens; }

std::optional<std::int64_t> number_at(SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return row.getColumn(column).getInt64();
}

history::Sample sample_at(SQLite::Statement& row) {
  history::Sample sample;
  sample.workspace = row.getColumn(0).getString();
  sample.task = sample.shape = row.getColumn(1).getString();
  sample.agent = row.getColumn(2).getString();
  sample.model = row.getColumn(3).getString();
  sample.at = Time(Duration(row.getColumn(4).getInt64()));
  return sample;
}

}  // namespace

void write_sample(Database& database, const history::Sample& sample) {
  const std::string body = json::serialize(history::to_json(sample));
  Query(database, kInsert, sample.at, sample.workspace, sample.task, sample.agent, sample.model,
        sample.plan, sample.run, static_cast<std::int64_t>(sample.attempt), body)
      .run();
  Query(database,
        "DELETE FROM samples WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND model = ?4 AND "
        "at <= (SELECT at FROM samples WHERE workspace = ?1 AND task = ?2 AND agent = ?3 AND "
        "model = ?4 ORDER BY at DESC LIMIT 1 OFFSET 20)",
        sample.workspace, sample.task, sample.agent, sample.model)
      .run();
}

void write_measured(Database& database, const Measured& measured) {
  for (const history::Sample& sample : measured.samples) write_sample(database, sample);
  for (const history::Call& call : measured.calls) {
    Query(database,
          "INSERT INTO calls(account, model, run, began, ended, output) VALUES(?, ?, ?, ?, ?, ?)",
          call.account, call.model, call.run, call.began, call.ended, call.output_tokens)
        .run();
    Query(database,
          "DELETE FROM calls WHERE account = ?1 AND model = ?2 AND ended <= (SELECT ended FROM "
          "calls WHERE account = ?1 AND model = ?2 ORDER BY ended DESC LIMIT 1 OFFSET 400)",
          call.account, call.model)
        .run();
  }
  for (const Measured::Conflicted& met : measured.met) {
    const std::string value = met.met ? "true" : "false";
    Query(database,
          "UPDATE samples SET body = json_set(body, '$.met', json(?4)) WHERE run = ?1 AND task = "
          "?2 AND attempt = ?3 AND json_valid(body)",
          measured.run, met.task, static_cast<std::int64_t>(met.attempt), value)
        .run();
  }
  for (const Measured::Joined& joined : measured.joined) {
    Query(database,
          "UPDATE samples SET body = json_set(body, '$.join_s', json(?4)) WHERE run = ?1 AND task "
          "= ?2 AND attempt = ?3 AND json_valid(body)",
          measured.run, joined.task, static_cast<std::int64_t>(joined.attempt),
          fmt::format("{}", to_seconds(joined.took)))
        .run();
  }
}

SampleOwner owner_of(Database& database, std::int64_t run) {
  Query row(database,
            "SELECT id, plan_name, path FROM runs JOIN workspaces ON workspaces.number = workspace "
            "WHERE runs.number = ?",
            run);
  if (!row.next()) return {};
  return {row.text(0), row.text(1), row.text(2)};
}

std::vector<history::Sample> samples_of_earlier_formats(SQLite::Database& sqlite) {
  std::vector<history::Sample> samples;
  const bool taxed = sqlite.tableExists("taxes");
  SQLite::Statement rows(
      sqlite, std::string("SELECT path, m.task, m.agent, m.model, m.at, elapsed, tokens, cost, ") +
                  (taxed ? "spawn, back FROM measurements AS m LEFT JOIN taxes USING (workspace, "
                           "task, agent, model, at, seq)"
                         : "NULL, NULL FROM measurements AS m") +
                  " JOIN workspaces ON workspaces.number = m.workspace WHERE m.workspace <> 0");
  while (rows.executeStep()) {
    history::Sample sample = sample_at(rows);
    sample.outcome = "succeeded";
    sample.elapsed = Duration(number_at(rows, 5).value_or(0));
    sample.spawn_tokens = number_at(rows, 8);
    sample.return_tokens = number_at(rows, 9);
    if (const auto tokens = number_at(rows, 6)) {
      // Only the sum without the tax was kept: it is all taken for input.
      const Tokens tax = sample.spawn_tokens.value_or(0) + sample.return_tokens.value_or(0);
      sample.usage = {at_least_none(*tokens + tax), 0, 0, 0, {}};
    }
    sample.usage.cost = number_at(rows, 7);
    samples.push_back(std::move(sample));
  }
  if (!sqlite.tableExists("meetings")) return samples;
  SQLite::Statement met(sqlite,
                        "SELECT path, task, agent, model, at, met FROM meetings JOIN workspaces ON "
                        "workspaces.number = meetings.workspace WHERE meetings.workspace <> 0");
  while (met.executeStep()) {
    history::Sample sample = sample_at(met);
    sample.met = met.getColumn(5).getInt64() != 0;
    samples.push_back(std::move(sample));
  }
  return samples;
}

void bring_up_samples(SQLite::Database& sqlite) {
  const std::vector<history::Sample> earlier = samples_of_earlier_formats(sqlite);
  sqlite.exec(kTablesOfFormat4);
  SQLite::Statement insert(sqlite, kInsert);
  for (const history::Sample& it : earlier) {
    if (!history::fault_of(it).empty()) continue;
    insert.bind(1, std::int64_t{it.at.time_since_epoch().count()});
    insert.bind(2, it.workspace);
    insert.bind(3, it.task);
    insert.bind(4, it.agent);
    insert.bind(5, it.model);
    insert.bind(6, "");
    insert.bind(7, "");
    insert.bind(8, std::int64_t{0});
    insert.bind(9, json::serialize(history::to_json(it)));
    insert.exec();
    insert.reset();
  }
  // The old tables stay: a dispatcher of an earlier version may be writing to them.
}

}  // namespace interlock::journal
