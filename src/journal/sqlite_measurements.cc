#include "journal/sqlite_measurements.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/learn.h"
#include "journal/database.h"
#include "journal/rows.h"
#include "journal/samples.h"

namespace interlock::journal {
namespace {

/// So many samples are looked at when a plan is made, of the workspace and of each agent.
constexpr std::int64_t kMostOfWorkspace = 20'000, kMostOfAgent = 400;

bool has_samples(Database& database) {
  // A journal of an earlier format that may only be read has none.
  return database.sqlite().execAndGet("PRAGMA user_version").getInt64() >= 4;
}

/// Reads rows of `at, body`. What cannot be read, or cannot be, is counted and left out.
void read_samples(Query& rows, Samples& samples) {
  while (rows.next()) {
    const auto value = parse_json(rows.view(1));
    auto sample = value ? history::sample_from_json(*value)
                        : Result<history::Sample>(std::unexpected(value.error()));
    if (sample && history::fault_of(*sample).empty() && sample->at == rows.time(0))
      samples.good.push_back(std::move(*sample));
    else
      ++samples.damaged;
  }
}

/// ?1 to ?6, as `Filter` binds them.
#define INTERLOCK_SAMPLE_FILTER                                                               \
  " WHERE (?1 = '' OR workspace = ?1) AND (?2 = '' OR task = ?2) AND (?3 = '' OR agent = ?3)" \
  " AND (?4 = '' OR model = ?4) AND (?5 = '' OR plan = ?5) AND (?6 IS NULL OR at < ?6)"

std::optional<std::int64_t> before_of(const SampleFilter& filter) {
  if (!filter.before) return std::nullopt;
  return std::int64_t{filter.before->time_since_epoch().count()};
}

std::vector<history::Call> calls_of(Database& database) {
  std::vector<history::Call> calls;
  Query rows(database,
             "SELECT account, model, run, began, ended, output FROM calls ORDER BY ended, "
             "number");
  while (rows.next()) {
    calls.push_back({rows.text(0), rows.text(1), rows.text(2), rows.time(3), rows.time(4),
                     rows.maybe_number(5)});
  }
  return calls;
}

}  // namespace

SqliteMeasurements::SqliteMeasurements(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}
SqliteMeasurements::~SqliteMeasurements() = default;

Result<decide::History> SqliteMeasurements::history(const std::string& workspace,
                                                    const decide::SaidSlowings& said) {
  return database_->guarded("read", [&]() -> Result<decide::History> {
    if (!has_samples(*database_))
      return decide::learn(samples_of_earlier_formats(database_->sqlite()), {}, workspace, said);
    Samples samples;
    Query ours(*database_,
               "SELECT at, body FROM samples WHERE workspace = ? ORDER BY at DESC LIMIT ?",
               workspace, kMostOfWorkspace);
    read_samples(ours, samples);
    std::vector<std::pair<std::string, std::string>> agents;
    Query names(*database_, "SELECT DISTINCT agent, model FROM samples");
    while (names.next()) agents.emplace_back(names.text(0), names.text(1));
    for (const auto& [agent, model] : agents) {
      Query others(*database_,
                   "SELECT at, body FROM samples WHERE agent = ? AND model = ? AND workspace <> ? "
                   "ORDER BY at DESC LIMIT ?",
                   agent, model, workspace, kMostOfAgent);
      read_samples(others, samples);
    }
    return decide::learn(samples.good, calls_of(*database_), workspace, said);
  });
}

Result<Samples> SqliteMeasurements::samples(const SampleFilter& filter) {
  return database_->guarded("read", [&]() -> Result<Samples> {
    Samples samples;
    if (!has_samples(*database_)) return samples;
    const std::int64_t most = filter.most == 0 ? -1 : static_cast<std::int64_t>(filter.most);
    Query rows(*database_,
               "SELECT at, body FROM samples" INTERLOCK_SAMPLE_FILTER
               " ORDER BY at DESC, number DESC LIMIT ?7",
               filter.workspace, filter.task, filter.agent, filter.model, filter.plan,
               before_of(filter), most);
    read_samples(rows, samples);
    return samples;
  });
}

Result<std::vector<history::Call>> SqliteMeasurements::calls() {
  return database_->guarded("read", [&]() -> Result<std::vector<history::Call>> {
    if (!has_samples(*database_)) return {};
    return calls_of(*database_);
  });
}

Result<void> SqliteMeasurements::add_samples(const std::vector<history::Sample>& samples,
                                             const std::vector<history::Call>& calls) {
  return database_->guarded("write", [&]() -> Result<void> {
    if (auto there = database_->still_there(); !there) return there;
    SQLite::Transaction transaction(database_->sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    Measured measured;
    measured.samples = samples;
    measured.calls = calls;
    write_measured(*database_, measured);
    transaction.commit();
    return {};
  });
}

Result<std::size_t> SqliteMeasurements::forget_samples(const SampleFilter& filter) {
  return database_->guarded("write", [&]() -> Result<std::size_t> {
    SQLite::Transaction transaction(database_->sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    Query(*database_, "DELETE FROM samples" INTERLOCK_SAMPLE_FILTER, filter.workspace, filter.task,
          filter.agent, filter.model, filter.plan, before_of(filter))
        .run();
    const auto gone = static_cast<std::size_t>(database_->sqlite().getChanges());
    // Calls belong to no task: what is forgotten by age or altogether goes for them too.
    if (filter.workspace.empty() && filter.task.empty() && filter.agent.empty() &&
        filter.plan.empty()) {
      Query(*database_,
            "DELETE FROM calls WHERE (?1 = '' OR model = ?1) AND (?2 IS NULL OR ended < ?2)",
            filter.model, before_of(filter))
          .run();
      Query(*database_, "DELETE FROM regrets WHERE ?1 = '' AND (?2 IS NULL OR at < ?2)",
            filter.model, before_of(filter))
          .run();
    }
    transaction.commit();
    return gone;
  });
}

Result<std::vector<std::string>> SqliteMeasurements::unsampled_runs() {
  return database_->guarded("read", [&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> runs;
    if (!has_samples(*database_)) return runs;
    Query rows(*database_,
               "SELECT id FROM runs WHERE number NOT IN (SELECT run FROM sampled) ORDER BY number");
    while (rows.next()) runs.push_back(rows.text(0));
    return runs;
  });
}

Result<void> SqliteMeasurements::sample_run(const std::string& run, std::vector<TaskLabel> tasks) {
  return database_->guarded("write", [&]() -> Result<void> {
    const auto number = number_of_run(*database_, run);
    if (!number) return std::unexpected(number.error());
    Projection projection(owner_of(*database_, *number), std::move(tasks));
    auto read =
        replay(run, 0, [&](engine::RecordedEvent&& recorded) { projection.apply(recorded); });
    // Of a damaged run there is nothing to learn, and nothing to try again for.
    const Measured measured = read ? projection.take() : Measured{};
    SQLite::Transaction transaction(database_->sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    write_measured(*database_, measured);
    Query(*database_, "INSERT INTO sampled(run) VALUES(?) ON CONFLICT DO NOTHING", *number).run();
    transaction.commit();
    return {};
  });
}

Result<std::vector<std::pair<std::string, Tokens>>> SqliteMeasurements::past_outputs(
    const std::string& account) {
  using Outputs = std::vector<std::pair<std::string, Tokens>>;
  return database_->guarded("read", [&]() -> Result<Outputs> {
    Outputs outputs;
    if (!has_samples(*database_)) return outputs;
    Query rows(*database_,
               "SELECT model, output FROM calls WHERE account = ? AND output >= 0 ORDER BY ended",
               account);
    while (rows.next()) outputs.emplace_back(rows.text(0), rows.number(1));
    return outputs;
  });
}

Result<void> SqliteMeasurements::keep_regret(const history::Regret& it) {
  return database_->guarded("write", [&]() -> Result<void> {
    if (auto there = database_->still_there(); !there) return there;
    Query(*database_,
          "INSERT INTO regrets(run, at, workspace, plan, pattern, best, took, best_took, "
          "one_by_one, real, not_counted) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          it.run, it.at, it.workspace, it.plan, it.pattern, it.best, std::int64_t{it.took.count()},
          std::int64_t{it.best_took.count()}, std::int64_t{it.one_by_one.count()},
          std::int64_t{it.real.count()}, it.not_counted)
        .run();
    return {};
  });
}

Result<std::vector<history::Regret>> SqliteMeasurements::regrets(const std::string& workspace) {
  return database_->guarded("read", [&]() -> Result<std::vector<history::Regret>> {
    std::vector<history::Regret> regrets;
    if (!has_samples(*database_)) return regrets;
    Query rows(*database_,
               "SELECT run, at, workspace, plan, pattern, best, took, best_took, one_by_one, real, "
               "not_counted FROM regrets WHERE ?1 = '' OR workspace = ?1 ORDER BY at DESC",
               workspace);
    while (rows.next()) {
      history::Regret it;
      it.run = rows.text(0);
      it.at = rows.time(1);
      it.workspace = rows.text(2);
      it.plan = rows.text(3);
      it.pattern = rows.text(4);
      it.best = rows.text(5);
      it.took = Duration(rows.number(6));
      it.best_took = Duration(rows.number(7));
      it.one_by_one = Duration(rows.number(8));
      it.real = Duration(rows.number(9));
      it.not_counted = rows.text(10);
      regrets.push_back(std::move(it));
    }
    return regrets;
  });
}

}  // namespace interlock::journal
