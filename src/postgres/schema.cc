#include "postgres/schema.h"

#include <fmt/format.h>

#include <array>

namespace interlock::postgres {
namespace {

/// Times are microseconds since the Unix epoch; names, paths and JSON are bytea, for they need not
/// be UTF-8. docs/cluster.md shows how people read them.
constexpr const char* kRuns = R"sql(
CREATE TABLE workspaces(
  number bigserial PRIMARY KEY,
  path   bytea NOT NULL UNIQUE
);
-- `epoch` counts the dispatchers that held the run: an append names its own and the last event it
-- knows, and changes this row, so that it and a take-over cannot both succeed.
CREATE TABLE runs(
  number    bigserial PRIMARY KEY,
  id        bytea NOT NULL UNIQUE,
  created   bigint NOT NULL,
  plan_name bytea NOT NULL,
  plan_file bytea NOT NULL,
  workspace bigint NOT NULL REFERENCES workspaces,
  last_seq  bigint NOT NULL DEFAULT 0,
  epoch     bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX runs_of_workspaces ON runs(workspace);
-- `plan`, `files`, `options`, `decision`.
CREATE TABLE documents(
  run  bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  name bytea NOT NULL,
  text bytea NOT NULL,
  PRIMARY KEY (run, name)
);
-- The folders whose latest run it may be.
CREATE TABLE places(
  run    bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  folder bytea NOT NULL,
  PRIMARY KEY (run, folder)
);
CREATE TABLE events(
  run  bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq  bigint NOT NULL,
  at   bigint NOT NULL,
  name bytea NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (run, seq)
);
CREATE TABLE blobs(
  digest bytea PRIMARY KEY,
  bytes  bytea NOT NULL
);
-- What agents put out is often compressed already, or small.
ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TABLE mentions(
  digest bytea NOT NULL,
  run    bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  PRIMARY KEY (digest, run)
);
CREATE INDEX mentions_of_runs ON mentions(run);
CREATE TABLE results(
  number    bigserial PRIMARY KEY,
  workspace bigint NOT NULL REFERENCES workspaces,
  task      bytea NOT NULL,
  key       bytea NOT NULL,
  run       bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  output    bytea,
  wrote     bytea NOT NULL,
  parts     bytea NOT NULL,
  trace     bytea,
  UNIQUE (workspace, task, key)
);
CREATE INDEX results_of_runs ON results(run);
CREATE TABLE requests(
  number bigserial PRIMARY KEY,
  run    bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  at     bigint NOT NULL,
  kind   bytea NOT NULL,
  task   bytea NOT NULL,
  by     bytea NOT NULL,
  body   bytea NOT NULL,
  taken  bigint NOT NULL DEFAULT 0
);
CREATE INDEX open_requests ON requests(run, number) WHERE taken = 0;
-- Who dispatches a run, and until when unless it says so again; by the server's clock.
CREATE TABLE leases(
  run     bigint PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  epoch   bigint NOT NULL,
  holder  bytea NOT NULL,
  process bytea NOT NULL,
  expires timestamptz NOT NULL
);
)sql";

constexpr const char* kMeasurements = R"sql(
CREATE TABLE samples(
  number    bigserial PRIMARY KEY,
  at        bigint NOT NULL,
  workspace bytea NOT NULL,
  task      bytea NOT NULL,
  agent     bytea NOT NULL,
  model     bytea NOT NULL,
  plan      bytea NOT NULL,
  run       bytea NOT NULL,
  attempt   bigint NOT NULL,
  body      bytea NOT NULL,
  UNIQUE (workspace, task, agent, model, at)
);
CREATE INDEX samples_of_agents ON samples(agent, model, at);
CREATE INDEX samples_of_runs ON samples(run, task, attempt);
CREATE TABLE calls(
  number  bigserial PRIMARY KEY,
  account bytea NOT NULL,
  model   bytea NOT NULL,
  run     bytea NOT NULL,
  began   bigint NOT NULL,
  ended   bigint NOT NULL,
  output  bigint,
  UNIQUE (account, model, ended, began, run)
);
CREATE TABLE regrets(
  run         bytea PRIMARY KEY,
  at          bigint NOT NULL,
  workspace   bytea NOT NULL,
  plan        bytea NOT NULL,
  pattern     bytea NOT NULL,
  best        bytea NOT NULL,
  took        bigint NOT NULL,
  best_took   bigint NOT NULL,
  one_by_one  bigint NOT NULL,
  real        bigint NOT NULL,
  not_counted bytea NOT NULL
);
)sql";

/// By which task an event is found, and how tasks stand. Events of before have no subject, and
/// their runs no outline.
constexpr const char* kTasks = R"sql(
ALTER TABLE events ADD COLUMN task bigint;
CREATE INDEX events_of_tasks ON events(run, task, seq) WHERE task IS NOT NULL;
-- `state` and `at_gate` are made of events, in their transaction.
CREATE TABLE tasks(
  run     bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  number  bigint NOT NULL,
  id      bytea NOT NULL,
  state   bigint NOT NULL DEFAULT 0,
  at_gate bigint NOT NULL DEFAULT 0,
  facts   bytea NOT NULL,
  PRIMARY KEY (run, number)
) WITH (fillfactor = 80);
CREATE INDEX tasks_by_id ON tasks(run, id);
CREATE INDEX tasks_at_gates ON tasks(run, number) WHERE at_gate = 1;
)sql";

/// Processes that workers run for dispatchers (ADR 100).
constexpr const char* kJobs = R"sql(
CREATE TABLE workers(
  id      bytea PRIMARY KEY,
  host    bytea NOT NULL,
  process bytea NOT NULL,
  version bytea NOT NULL,
  labels  bytea[] NOT NULL,
  started bigint NOT NULL,
  expires timestamptz NOT NULL
);
-- `claim` counts the workers that had it: what one hands in names its own. `state`: 0 offered,
-- 1 claimed, 2 finished, 3 declined.
CREATE TABLE jobs(
  number  bigserial PRIMARY KEY,
  run     bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  label   bytea NOT NULL,
  labels  bytea[] NOT NULL,
  spec    bytea NOT NULL,
  state   bigint NOT NULL DEFAULT 0,
  claim   bigint NOT NULL DEFAULT 0,
  worker  bytea NOT NULL DEFAULT '',
  expires timestamptz NOT NULL DEFAULT '-infinity',
  grace   bigint,
  process bytea NOT NULL DEFAULT '',
  silent  bigint NOT NULL DEFAULT 0,
  line    bytea NOT NULL DEFAULT '',
  text    bytea NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
CREATE INDEX jobs_of_runs ON jobs(run);
CREATE INDEX offered_jobs ON jobs(number) WHERE state = 0;
-- Of a run while it is dispatched.
CREATE TABLE job_files(
  run    bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
  digest bytea NOT NULL,
  bytes  bytea NOT NULL,
  PRIMARY KEY (run, digest)
);
ALTER TABLE job_files ALTER COLUMN bytes SET STORAGE EXTERNAL;
)sql";

constexpr std::array kSteps{kRuns, kMeasurements, kTasks, kJobs};

std::unexpected<Error> too_new(const Connection& connection, std::int64_t version) {
  return fail(Error::Kind::refused,
              fmt::format("the store, {}, has schema {}, and this Interlock knows schemas up to {}",
                          connection.url().name(), version, kSchemaVersion),
              "use the newer Interlock that made it");
}

}  // namespace

const std::int64_t kSchemaVersion = static_cast<std::int64_t>(kSteps.size());

Result<std::optional<std::int64_t>> schema_version(Connection& connection) {
  using Version = std::optional<std::int64_t>;
  const auto there = connection.ask(
      "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'interlock' AND "
      "tablename = 'schema_version'");
  if (!there) return std::unexpected(there.error());
  if (there->number(0, 0) == 0) return Version();
  const auto rows = connection.ask("SELECT max(version) FROM interlock.schema_version");
  if (!rows) return std::unexpected(rows.error());
  return rows->maybe_number(0, 0);
}

Result<void> bring_up_schema(Connection& connection, std::int64_t up_to) {
  auto version = schema_version(connection);
  if (!version) return std::unexpected(version.error());
  if (*version && **version > kSchemaVersion) return too_new(connection, **version);
  if (*version && **version >= up_to) return {};
  const auto make = [&]() -> Outcome<void> {
    Transaction transaction(connection);
    if (auto begun = transaction.begin(); !begun) return begun;
    // One at a time; whoever waited finds it done.
    if (auto locked = connection.script("SELECT pg_advisory_xact_lock(4705)"); !locked)
      return locked;
    if (auto made =
            connection.script("CREATE SCHEMA IF NOT EXISTS interlock; CREATE TABLE IF NOT EXISTS "
                              "interlock.schema_version(version bigint PRIMARY KEY)");
        !made)
      return made;
    const auto now =
        connection.run("SELECT coalesce(max(version), 0) FROM interlock.schema_version");
    if (!now) return std::unexpected(now.error());
    for (std::int64_t step = now->number(0, 0) + 1; step <= up_to; ++step) {
      const std::string sql = fmt::format("{}INSERT INTO interlock.schema_version VALUES({});",
                                          kSteps[static_cast<std::size_t>(step - 1)], step);
      if (auto done = connection.script(sql); !done) return done;
    }
    return transaction.commit();
  };
  auto made = make();
  if (!made) return within(made.error().error, "cannot make the store's tables");
  return {};
}

Result<void> check_schema(Connection& connection) {
  const auto version = schema_version(connection);
  if (!version) return std::unexpected(version.error());
  if (!*version)
    return fail(Error::Kind::missing,
                fmt::format("the store, {}, has no runs yet", connection.url().name()),
                "`interlock run FILE` with this store makes its tables");
  if (**version > kSchemaVersion) return too_new(connection, **version);
  if (**version < kSchemaVersion)
    return fail(Error::Kind::refused,
                fmt::format("the store, {}, has schema {}, and this Interlock reads schema {}",
                            connection.url().name(), **version, kSchemaVersion),
                "a command that writes (`run`, `resume`) brings it up; older Interlocks cannot "
                "use it then");
  return {};
}

}  // namespace interlock::postgres
