#pragma once

// The journal's tables; docs/journal.md explains them with an example.
namespace interlock::journal {

/// `ILCK` in the database's header: tells an Interlock journal from any other SQLite database.
inline constexpr int kApplicationId = 0x494C434B;
/// Counts up when an older Interlock could no longer read what a newer one wrote.
inline constexpr int kFormatVersion = 10;
inline constexpr const char* kFileName = "interlock.db";

/// Times are microseconds since the Unix epoch, digests 32 bytes, everything else text or JSON.
inline constexpr const char* kTables = R"sql(
CREATE TABLE workspaces(
  number INTEGER PRIMARY KEY,
  path   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE runs(
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  id        TEXT NOT NULL UNIQUE,
  created   INTEGER NOT NULL,
  plan_name TEXT NOT NULL,
  plan_file TEXT NOT NULL,
  workspace INTEGER NOT NULL REFERENCES workspaces
) STRICT;

-- What a run was made from: `plan`, `files`, `options`, `decision`. Apart from runs, so that listing runs is cheap.
CREATE TABLE documents(
  run  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run, name)
) STRICT;

CREATE TABLE events(
  run  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq  INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID, STRICT;

CREATE TABLE blobs(
  digest BLOB PRIMARY KEY,
  bytes  BLOB NOT NULL
) STRICT;

-- Which runs need which blobs: a blob goes with the last run that mentions it.
CREATE TABLE mentions(
  digest BLOB NOT NULL,
  run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  PRIMARY KEY (digest, run)
) WITHOUT ROWID, STRICT;

-- The newest result of each task for each key; a higher number is newer.
CREATE TABLE results(
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace   INTEGER NOT NULL REFERENCES workspaces,
  task        TEXT NOT NULL,
  key         BLOB NOT NULL,
  run         INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  output      BLOB,
  wrote       BLOB NOT NULL,
  ingredients TEXT NOT NULL,
  UNIQUE (workspace, task, key) ON CONFLICT REPLACE
) STRICT;

CREATE TABLE requests(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  task   TEXT NOT NULL,
  by     TEXT NOT NULL,
  taken  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX open_requests ON requests(run, number) WHERE taken = 0;
)sql";

/// What format 4 adds, in place of `measurements`, `meetings` and `taxes` of earlier formats.
inline constexpr const char* kTablesOfFormat4 = R"sql(
-- What attempts took: the last twenty of a task by an agent and model. They outlive their runs. The
-- columns are for finding; `body` is the line that `interlock history export` writes.
CREATE TABLE samples(
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  workspace TEXT NOT NULL,
  task      TEXT NOT NULL,
  agent     TEXT NOT NULL,
  model     TEXT NOT NULL,
  plan      TEXT NOT NULL,
  run       TEXT NOT NULL,
  attempt   INTEGER NOT NULL,
  body      TEXT NOT NULL,
  UNIQUE (workspace, task, agent, model, at) ON CONFLICT REPLACE
) STRICT;
CREATE INDEX samples_of_agents ON samples(agent, model, at);
CREATE INDEX samples_of_runs ON samples(run, task, attempt);

-- When model calls were in flight: the last four hundred of an account and model.
CREATE TABLE calls(
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  model   TEXT NOT NULL,
  run     TEXT NOT NULL,
  began   INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  output  INTEGER,
  UNIQUE (account, model, ended, began, run) ON CONFLICT REPLACE
) STRICT;

-- How runs were decided, seen with the times their tasks really took.
CREATE TABLE regrets(
  run        TEXT PRIMARY KEY ON CONFLICT REPLACE,
  at         INTEGER NOT NULL,
  workspace  TEXT NOT NULL,
  plan       TEXT NOT NULL,
  pattern    TEXT NOT NULL,
  best       TEXT NOT NULL,
  took       INTEGER NOT NULL,
  best_took  INTEGER NOT NULL,
  one_by_one INTEGER NOT NULL,
  real       INTEGER NOT NULL,
  not_counted TEXT NOT NULL
) STRICT;

-- Runs whose events are in `samples` and `calls`; those of earlier formats are not, until they are read.
CREATE TABLE sampled(
  run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE
) STRICT;
)sql";

/// What format 4 adds: of a result that rests on observed reads, what was found and left (a blob).
inline constexpr const char* kColumnsOfFormat4 = R"sql(
ALTER TABLE results ADD COLUMN trace BLOB;
)sql";

/// What format 6 adds: what a request is about, beyond a task.
inline constexpr const char* kColumnsOfFormat6 = R"sql(
ALTER TABLE requests ADD COLUMN body TEXT NOT NULL DEFAULT '';
)sql";

/// What format 10 adds: by which task an event is found, and how tasks stand. Events of earlier
/// formats have no subject, and their runs no outline.
inline constexpr const char* kTablesOfFormat10 = R"sql(
ALTER TABLE events ADD COLUMN task INTEGER;
CREATE INDEX events_of_tasks ON events(run, task, seq) WHERE task IS NOT NULL;

-- `state` and `at_gate` are made of events, in their transaction; `facts` is what the dispatcher knew of the task.
CREATE TABLE tasks(
  run     INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  number  INTEGER NOT NULL,
  id      TEXT NOT NULL,
  state   INTEGER NOT NULL DEFAULT 0,
  at_gate INTEGER NOT NULL DEFAULT 0,
  facts   TEXT NOT NULL,
  PRIMARY KEY (run, number)
) WITHOUT ROWID, STRICT;
CREATE INDEX tasks_by_id ON tasks(run, id);
CREATE INDEX tasks_at_gates ON tasks(run, number) WHERE at_gate = 1;
)sql";

}  // namespace interlock::journal
