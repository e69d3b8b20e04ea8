#include "postgres/postgres_measurements.h"

#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "decide/learn.h"

namespace interlock::postgres {
namespace {

/// As for the journal in a state folder: src/journal/sqlite_measurements.cc and samples.cc.
constexpr std::int64_t kMostOfWorkspace = 20'000, kMostOfAgent = 400;

/// Reads rows of `at, body`. What cannot be read, or cannot be, is counted and left out.
void read_samples(const Rows& rows, journal::Samples& samples) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto value = parse_json(rows.view(i, 1));
    auto sample = value ? history::sample_from_json(*value)
                        : Result<history::Sample>(std::unexpected(value.error()));
    if (sample && history::fault_of(*sample).empty() && sample->at == rows.time(i, 0))
      samples.good.push_back(std::move(*sample));
    else
      ++samples.damaged;
  }
}

#define INTERLOCK_SAMPLE_FILTER                                                                   \
  " WHERE ($1::bytea = '' OR workspace = $1) AND ($2::bytea = '' OR task = $2) AND ($3::bytea = " \
  "'' OR agent = $3) AND ($4::bytea = '' OR model = $4) AND ($5::bytea = '' OR plan = $5) AND "   \
  "($6::bigint IS NULL OR at < $6)"

std::optional<std::int64_t> before_of(const journal::SampleFilter& filter) {
  if (!filter.before) return std::nullopt;
  return std::int64_t{filter.before->time_since_epoch().count()};
}

Outcome<void> write_sample(Connection& connection, const history::Sample& sample) {
  const std::string body = json::serialize(history::to_json(sample));
  auto written = connection.run(
      "INSERT INTO samples(at, workspace, task, agent, model, plan, run, attempt, body) VALUES($1, "
      "$2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace, task, agent, model, at) DO UPDATE "
      "SET plan = excluded.plan, run = excluded.run, attempt = excluded.attempt, body = "
      "excluded.body",
      Parameters(sample.at, sample.workspace, sample.task, sample.agent, sample.model, sample.plan,
                 sample.run, static_cast<std::int64_t>(sample.attempt), body));
  if (!written) return std::unexpected(written.error());
  auto trimmed = connection.run(
      "DELETE FROM samples WHERE workspace = $1 AND task = $2 AND agent = $3 AND model = $4 AND at "
      "<= (SELECT at FROM samples WHERE workspace = $1 AND task = $2 AND agent = $3 AND model = $4 "
      "ORDER BY at DESC LIMIT 1 OFFSET 20)",
      Parameters(sample.workspace, sample.task, sample.agent, sample.model));
  if (!trimmed) return std::unexpected(trimmed.error());
  return {};
}

Outcome<void> write_call(Connection& connection, const history::Call& call) {
  auto written = connection.run(
      "INSERT INTO calls(account, model, run, began, ended, output) VALUES($1, $2, $3, $4, $5, $6) "
      "ON CONFLICT (account, model, ended, began, run) DO UPDATE SET output = excluded.output",
      Parameters(call.account, call.model, call.run, call.began, call.ended, call.output_tokens));
  if (!written) return std::unexpected(written.error());
  auto trimmed = connection.run(
      "DELETE FROM calls WHERE account = $1 AND model = $2 AND ended <= (SELECT ended FROM calls "
      "WHERE account = $1 AND model = $2 ORDER BY ended DESC LIMIT 1 OFFSET 400)",
      Parameters(call.account, call.model));
  if (!trimmed) return std::unexpected(trimmed.error());
  return {};
}

/// Says something more of a sample that was written before.
Outcome<void> add_to_sample(Connection& connection, const std::string& run, const std::string& task,
                            std::int64_t attempt, std::string_view key, const json::value& value) {
  auto rows = connection.run(
      "SELECT number, body FROM samples WHERE run = $1 AND task = $2 AND attempt = $3 FOR UPDATE",
      Parameters(run, task, attempt));
  if (!rows) return std::unexpected(rows.error());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto body = parse_json(rows->view(i, 1));
    if (!body || !body->is_object()) continue;
    body->get_object()[key] = value;
    auto written = connection.run("UPDATE samples SET body = $2 WHERE number = $1",
                                  Parameters(rows->number(i, 0), json::serialize(*body)));
    if (!written) return std::unexpected(written.error());
  }
  return {};
}

std::vector<history::Call> calls_in(const Rows& rows) {
  std::vector<history::Call> calls;
  for (std::size_t i = 0; i < rows.size(); ++i)
    calls.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.time(i, 3),
                     rows.time(i, 4), rows.maybe_number(i, 5)});
  return calls;
}

template <typename T>
Result<T> as_result(Outcome<T> outcome) {
  if (!outcome) return std::unexpected(outcome.error().error);
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*outcome);
}

}  // namespace

Outcome<void> write_measured(Connection& connection, const journal::Measured& measured) {
  for (const history::Sample& sample : measured.samples) {
    if (auto written = write_sample(connection, sample); !written) return written;
  }
  for (const history::Call& call : measured.calls) {
    if (auto written = write_call(connection, call); !written) return written;
  }
  for (const journal::Measured::Conflicted& met : measured.met) {
    auto written = add_to_sample(connection, measured.run, met.task, std::int64_t{met.attempt},
                                 "met", json::value(met.met));
    if (!written) return written;
  }
  for (const journal::Measured::Joined& joined : measured.joined) {
    auto written =
        add_to_sample(connection, measured.run, joined.task, std::int64_t{joined.attempt}, "join_s",
                      json::value(to_seconds(joined.took)));
    if (!written) return written;
  }
  return {};
}

Result<journal::SampleOwner> owner_of(Connection& connection, std::int64_t number) {
  auto rows = connection.ask(
      "SELECT id, plan_name, path FROM runs JOIN workspaces ON workspaces.number = workspace WHERE "
      "runs.number = $1",
      Parameters(number));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return journal::SampleOwner{};
  return journal::SampleOwner{rows->text(0, 0), rows->text(0, 1), rows->text(0, 2)};
}

Result<decide::History> PostgresMeasurements::history(const std::string& workspace,
                                                      const decide::SaidSlowings& said) {
  journal::Samples samples;
  auto ours = connection().ask(
      "SELECT at, body FROM samples WHERE workspace = $1 ORDER BY at DESC LIMIT $2",
      Parameters(workspace, kMostOfWorkspace));
  if (!ours) return std::unexpected(ours.error());
  read_samples(*ours, samples);
  auto agents = connection().ask("SELECT DISTINCT agent, model FROM samples");
  if (!agents) return std::unexpected(agents.error());
  for (std::size_t i = 0; i < agents->size(); ++i) {
    auto others = connection().ask(
        "SELECT at, body FROM samples WHERE agent = $1 AND model = $2 AND workspace <> $3 ORDER BY "
        "at DESC LIMIT $4",
        Parameters(agents->view(i, 0), agents->view(i, 1), workspace, kMostOfAgent));
    if (!others) return std::unexpected(others.error());
    read_samples(*others, samples);
  }
  auto load = calls();
  if (!load) return std::unexpected(load.error());
  return decide::learn(samples.good, *load, workspace, said);
}

Result<journal::Samples> PostgresMeasurements::samples(const journal::SampleFilter& filter) {
  const std::optional<std::int64_t> most =
      filter.most == 0 ? std::nullopt : std::optional(static_cast<std::int64_t>(filter.most));
  auto rows = connection().ask("SELECT at, body FROM samples" INTERLOCK_SAMPLE_FILTER
                               " ORDER BY at DESC, number DESC LIMIT $7",
                               Parameters(filter.workspace, filter.task, filter.agent, filter.model,
                                          filter.plan, before_of(filter), most));
  if (!rows) return std::unexpected(rows.error());
  journal::Samples samples;
  read_samples(*rows, samples);
  return samples;
}

Result<void> PostgresMeasurements::add_samples(const std::vector<history::Sample>& samples,
                                               const std::vector<history::Call>& calls) {
  journal::Measured measured;
  measured.samples = samples;
  measured.calls = calls;
  const auto write = [&]() -> Outcome<void> {
    Transaction transaction(connection());
    if (auto begun = transaction.begin(); !begun) return begun;
    if (auto written = write_measured(connection(), measured); !written) return written;
    return transaction.commit();
  };
  return as_result(write());
}

Result<std::vector<history::Call>> PostgresMeasurements::calls() {
  auto rows = connection().ask(
      "SELECT account, model, run, began, ended, output FROM calls ORDER BY ended, number");
  if (!rows) return std::unexpected(rows.error());
  return calls_in(*rows);
}

Result<std::size_t> PostgresMeasurements::forget_samples(const journal::SampleFilter& filter) {
  const auto forget = [&]() -> Outcome<std::size_t> {
    Transaction transaction(connection());
    if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
    const Parameters wanted(filter.workspace, filter.task, filter.agent, filter.model, filter.plan,
                            before_of(filter));
    auto gone = connection().run("WITH gone AS (DELETE FROM samples" INTERLOCK_SAMPLE_FILTER
                                 " RETURNING 1) SELECT count(*) FROM gone",
                                 wanted);
    if (!gone) return std::unexpected(gone.error());
    // Calls belong to no task: what is forgotten by age or altogether goes for them too.
    if (filter.workspace.empty() && filter.task.empty() && filter.agent.empty() &&
        filter.plan.empty()) {
      const Parameters of_model(filter.model, before_of(filter));
      auto calls = connection().run(
          "DELETE FROM calls WHERE ($1::bytea = '' OR model = $1) AND ($2::bigint IS NULL OR ended "
          "< $2)",
          of_model);
      if (!calls) return std::unexpected(calls.error());
      auto regrets = connection().run(
          "DELETE FROM regrets WHERE $1::bytea = '' AND ($2::bigint IS NULL OR at < $2)", of_model);
      if (!regrets) return std::unexpected(regrets.error());
    }
    if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
    return static_cast<std::size_t>(gone->number(0, 0));
  };
  return as_result(forget());
}

Result<std::vector<std::string>> PostgresMeasurements::unsampled_runs() {
  return std::vector<std::string>();
}

Result<void> PostgresMeasurements::sample_run(const std::string& run,
                                              std::vector<journal::TaskLabel> tasks) {
  auto head = this->head(run);
  if (!head) return std::unexpected(head.error());
  journal::Projection projection({run, head->plan_name, head->workspace}, std::move(tasks));
  auto read = replay(run, 0, [&](engine::RecordedEvent&& recorded) { projection.apply(recorded); });
  if (!read) return read;
  const journal::Measured measured = projection.take();
  return add_samples(measured.samples, measured.calls);
}

Result<std::vector<std::pair<std::string, Tokens>>> PostgresMeasurements::past_outputs(
    const std::string& account) {
  auto rows = connection().ask(
      "SELECT model, output FROM calls WHERE account = $1 AND output >= 0 ORDER BY ended",
      Parameters(account));
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::pair<std::string, Tokens>> outputs;
  for (std::size_t i = 0; i < rows->size(); ++i)
    outputs.emplace_back(rows->text(i, 0), rows->number(i, 1));
  return outputs;
}

Result<void> PostgresMeasurements::keep_regret(const history::Regret& it) {
  auto kept = connection().ask(
      "INSERT INTO regrets(run, at, workspace, plan, pattern, best, took, best_took, one_by_one, "
      "real, not_counted) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (run) "
      "DO UPDATE SET at = excluded.at, pattern = excluded.pattern, best = excluded.best, took = "
      "excluded.took, best_took = excluded.best_took, one_by_one = excluded.one_by_one, real = "
      "excluded.real, not_counted = excluded.not_counted",
      Parameters(it.run, it.at, it.workspace, it.plan, it.pattern, it.best,
                 std::int64_t{it.took.count()}, std::int64_t{it.best_took.count()},
                 std::int64_t{it.one_by_one.count()}, std::int64_t{it.real.count()},
                 it.not_counted));
  if (!kept) return std::unexpected(kept.error());
  return {};
}

Result<std::vector<history::Regret>> PostgresMeasurements::regrets(const std::string& workspace) {
  auto rows = connection().ask(
      "SELECT run, at, workspace, plan, pattern, best, took, best_took, one_by_one, real, "
      "not_counted FROM regrets WHERE $1::bytea = '' OR workspace = $1 ORDER BY at DESC",
      Parameters(workspace));
  if (!rows) return std::unexpected(rows.error());
  std::vector<history::Regret> regrets;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    history::Regret it;
    it.run = rows->text(i, 0);
    it.at = rows->time(i, 1);
    it.workspace = rows->text(i, 2);
    it.plan = rows->text(i, 3);
    it.pattern = rows->text(i, 4);
    it.best = rows->text(i, 5);
    it.took = Duration(rows->number(i, 6));
    it.best_took = Duration(rows->number(i, 7));
    it.one_by_one = Duration(rows->number(i, 8));
    it.real = Duration(rows->number(i, 9));
    it.not_counted = rows->text(i, 10);
    regrets.push_back(std::move(it));
  }
  return regrets;
}

}  // namespace interlock::postgres
