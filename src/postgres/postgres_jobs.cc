#include "postgres/postgres_jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fields.h"
#include "postgres/schema.h"

namespace interlock::postgres {

using engine::ClaimedJob;
using engine::JobState;

namespace {

std::int64_t micros(Duration duration) { return std::int64_t{duration.count()}; }

Result<std::unique_ptr<Connection>> connect(const std::string& url, journal::Access access,
                                            Connection::Options options = {}) {
  auto parsed = parse_store_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  options.access = access;
  auto connection = Connection::open(std::move(*parsed), options);
  if (!connection) return connection;
  auto able =
      access == journal::Access::write ? bring_up_schema(**connection) : check_schema(**connection);
  if (!able) return std::unexpected(able.error());
  return connection;
}

std::string text_of(const std::optional<ProcessIdentity>& process) {
  std::string text;
  if (!process) return text;
  add_field(text, process->boot_id);
  add_field(text, process->pid);
  add_field(text, process->start_ticks);
  return text;
}

std::optional<ProcessIdentity> process_in(std::string_view text) {
  if (text.empty()) return std::nullopt;
  FieldReader reader(text);
  ProcessIdentity process;
  process.boot_id = reader.text();
  process.pid = reader.number();
  process.start_ticks = reader.number();
  return process;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return words;
}

Result<void> done(const Result<Rows>& rows) {
  if (!rows) return std::unexpected(rows.error());
  return {};
}

}  // namespace

Result<std::set<Digest>> RowFiles::missing(const std::vector<Digest>& digests) {
  std::vector<std::string> wanted;
  for (const Digest& digest : digests)
    wanted.emplace_back(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  auto rows = connection_.ask("SELECT digest FROM job_files WHERE run = $1 AND digest = ANY($2)",
                              Parameters(run_, wanted));
  if (!rows) return std::unexpected(rows.error());
  std::set<Digest> missing(digests.begin(), digests.end());
  for (std::size_t i = 0; i < rows->size(); ++i)
    missing.erase(rows->digest(i, 0).value_or(Digest{}));
  return missing;
}

Result<void> RowFiles::put(const Digest& digest, std::string_view bytes) {
  return done(connection_.ask(
      "INSERT INTO job_files(run, digest, bytes) VALUES($1, $2, $3) ON CONFLICT DO NOTHING",
      Parameters(run_, digest, bytes)));
}

Result<std::string> RowFiles::get(const Digest& digest) {
  auto rows = connection_.ask("SELECT bytes FROM job_files WHERE run = $1 AND digest = $2",
                              Parameters(run_, digest));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty())
    return fail(Error::Kind::missing,
                fmt::format("the job's file `{}` is not in the store", digest.brief()));
  std::string bytes = rows->text(0, 0);
  if (digest_of(bytes) != digest)
    return fail(Error::Kind::refused,
                fmt::format("the job's file `{}` is not what was stored", digest.brief()));
  return bytes;
}

Result<std::unique_ptr<PostgresJobs>> PostgresJobs::open(const std::string& url,
                                                         const std::string& run,
                                                         std::int64_t epoch) {
  auto connection = connect(url, journal::Access::write);
  if (!connection) return std::unexpected(connection.error());
  auto rows = (*connection)->ask("SELECT number FROM runs WHERE id = $1", Parameters(run));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return fail(Error::Kind::missing, fmt::format("there is no run `{}`", run));
  std::unique_ptr<PostgresJobs> jobs(
      new PostgresJobs(std::move(*connection), rows->number(0, 0), epoch));
  if (auto cleared = jobs->clear(); !cleared) return std::unexpected(cleared.error());
  return jobs;
}

PostgresJobs::~PostgresJobs() { static_cast<void>(clear()); }

/// Only while the caller is the run's dispatcher: those of the next one are not its own.
Result<void> PostgresJobs::clear() {
  for (const char* sql :
       {"DELETE FROM jobs USING runs WHERE run = runs.number AND run = $1 AND runs.epoch = $2",
        "DELETE FROM job_files USING runs WHERE run = runs.number AND run = $1 AND runs.epoch = "
        "$2"}) {
    if (auto cleared = connection_->ask(sql, Parameters(run_, epoch_)); !cleared)
      return std::unexpected(cleared.error());
  }
  return {};
}

Result<std::size_t> PostgresJobs::free_workers(const std::vector<std::string>& labels) {
  // Offers of other runs will be claimed by one of them each.
  auto rows = connection_->ask(
      "SELECT (SELECT count(*) FROM workers WHERE expires > clock_timestamp() AND labels @> $1 AND "
      "NOT EXISTS (SELECT 1 FROM jobs WHERE worker = workers.id AND state = 1)) - (SELECT count(*) "
      "FROM jobs WHERE state = 0)",
      Parameters(labels));
  if (!rows) return std::unexpected(rows.error());
  return static_cast<std::size_t>(std::max<std::int64_t>(0, rows->number(0, 0)));
}

Result<std::int64_t> PostgresJobs::offer(const engine::JobOffer& offer) {
  auto rows = connection_->run(
      "INSERT INTO jobs(run, label, labels, spec) SELECT number, $3, $4, $5 FROM runs WHERE number "
      "= $1 AND epoch = $2 RETURNING number",
      Parameters(run_, epoch_, offer.label, offer.labels, offer.spec));
  // Where its outcome is not known somebody may claim it: what comes of that nobody looks for.
  if (!rows) return std::unexpected(rows.error().error);
  if (rows->empty()) return fail(Error::Kind::refused, "another dispatcher has taken the run over");
  return rows->number(0, 0);
}

Result<void> PostgresJobs::withdraw(std::int64_t job) {
  return done(
      connection_->ask("DELETE FROM jobs WHERE number = $1 AND run = $2", Parameters(job, run_)));
}

Result<void> PostgresJobs::ask_to_stop(std::int64_t job, Duration grace) {
  return done(connection_->ask("UPDATE jobs SET grace = $3 WHERE number = $1 AND run = $2",
                               Parameters(job, run_, micros(grace))));
}

Result<std::vector<JobState>> PostgresJobs::look() {
  auto freed = connection_->ask(
      "UPDATE jobs SET state = 0, process = '' WHERE run = $1 AND state = 1 AND expires < "
      "clock_timestamp()",
      Parameters(run_));
  if (!freed) return std::unexpected(freed.error());
  auto rows = connection_->ask(
      "SELECT number, state, worker, process, silent, line, text FROM jobs WHERE run = $1 ORDER BY "
      "number",
      Parameters(run_));
  if (!rows) return std::unexpected(rows.error());
  std::vector<JobState> states;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    JobState& state = states.emplace_back();
    state.job = rows->number(i, 0);
    state.state = static_cast<JobState::State>(rows->number(i, 1));
    state.worker = rows->text(i, 2);
    state.progress = {process_in(rows->view(i, 3)), Duration(rows->number(i, 4)), rows->text(i, 5)};
    state.text = rows->text(i, 6);
  }
  return states;
}

Result<std::unique_ptr<PostgresWorker>> PostgresWorker::open(const std::string& url,
                                                             WorkerSelf self) {
  const auto times = lease_times();
  if (!times) return std::unexpected(times.error());
  // Whoever waits for the server here does not see its lease end: never for longer than a margin.
  Connection::Options brief;
  brief.statement_at_most = brief.connect_at_most = std::chrono::seconds(2);
  auto connection = connect(url, journal::Access::write, brief);
  if (!connection) return std::unexpected(connection.error());
  (*connection)->patience([] { return uptime(); });
  // Files are brought while nothing runs.
  auto for_files = connect(url, journal::Access::write);
  if (!for_files) return std::unexpected(for_files.error());
  std::unique_ptr<PostgresWorker> worker(
      new PostgresWorker(std::move(*connection), std::move(*for_files), std::move(self), *times));
  if (auto alive = worker->report_alive(); !alive) return std::unexpected(alive.error());
  return worker;
}

PostgresWorker::~PostgresWorker() {
  // Where this fails its lease runs out.
  static_cast<void>(connection_->run("DELETE FROM workers WHERE id = $1", Parameters(self_.id)));
}

Result<void> PostgresWorker::report_alive() {
  return done(connection_->ask(
      "INSERT INTO workers(id, host, process, version, labels, started, expires) VALUES($1, $2, "
      "$3, $4, $5, $6, clock_timestamp() + $7 * interval '1 microsecond') ON CONFLICT (id) DO "
      "UPDATE SET expires = excluded.expires",
      Parameters(self_.id, self_.host, own_process(), self_.version, self_.labels, self_.started,
                 micros(times_.term))));
}

Result<std::optional<ClaimedJob>> PostgresWorker::claim() {
  const Duration sent = std::chrono::duration_cast<Duration>(uptime());
  // Where the outcome is not known, its lease runs out, and it is offered again.
  auto rows = connection_->run(
      "UPDATE jobs SET state = 1, claim = claim + 1, worker = $1, process = '', silent = 0, line = "
      "'', expires = clock_timestamp() + $3 * interval '1 microsecond' WHERE number = (SELECT "
      "number FROM jobs WHERE state = 0 AND labels <@ $2 ORDER BY number FOR UPDATE SKIP LOCKED "
      "LIMIT 1) RETURNING number, claim, spec, run",
      Parameters(self_.id, self_.labels, micros(times_.term)));
  if (!rows) {
    if (rows.error().lost) static_cast<void>(connection_->reconnect());
    return std::unexpected(rows.error().error);
  }
  if (rows->empty()) return std::nullopt;
  run_ = rows->number(0, 3);
  return ClaimedJob{rows->number(0, 0), rows->number(0, 1), rows->text(0, 2),
                    sent + times_.term - times_.margin()};
}

Result<engine::JobSource::Renewed> PostgresWorker::renew(const ClaimedJob& claimed,
                                                         const engine::JobProgress& progress) {
  const Duration sent = std::chrono::duration_cast<Duration>(uptime());
  auto rows = connection_->run(
      "WITH alive AS (UPDATE workers SET expires = clock_timestamp() + $3 * interval '1 "
      "microsecond' WHERE id = $4) UPDATE jobs SET expires = clock_timestamp() + $3 * interval '1 "
      "microsecond', process = $5, silent = $6, line = $7 WHERE number = $1 AND claim = $2 AND "
      "state = 1 RETURNING grace",
      Parameters(claimed.job, claimed.fence, micros(times_.term), self_.id,
                 text_of(progress.process), micros(progress.silent_for), progress.last_line));
  if (!rows) {
    if (rows.error().lost) static_cast<void>(connection_->reconnect());
    return std::unexpected(rows.error().error);
  }
  Renewed renewed;
  renewed.is_held = !rows->empty();
  if (!renewed.is_held) return renewed;
  if (const auto grace = rows->maybe_number(0, 0)) renewed.grace = Duration(*grace);
  renewed.until = sent + times_.term - times_.margin();
  return renewed;
}

Result<bool> PostgresWorker::end(const ClaimedJob& claimed, std::int64_t state,
                                 const std::string& text) {
  // Said twice, where the server was lost in between: the row has this fence, and is in that state.
  auto rows = connection_->ask(
      "UPDATE jobs SET state = $3, text = $4 WHERE number = $1 AND claim = $2 AND state IN (1, $3) "
      "RETURNING number",
      Parameters(claimed.job, claimed.fence, state, text));
  if (!rows) return std::unexpected(rows.error());
  return !rows->empty();
}

Result<bool> PostgresWorker::finish(const ClaimedJob& claimed, const std::string& result) {
  return end(claimed, static_cast<std::int64_t>(JobState::State::finished), result);
}

Result<void> PostgresWorker::decline(const ClaimedJob& claimed, const std::string& why) {
  auto said = end(claimed, static_cast<std::int64_t>(JobState::State::declined), why);
  if (!said) return std::unexpected(said.error());
  return {};
}

Result<void> PostgresWorker::give_back(const ClaimedJob& claimed) {
  auto said = end(claimed, static_cast<std::int64_t>(JobState::State::offered), {});
  if (!said) return std::unexpected(said.error());
  return {};
}

engine::JobFiles& PostgresWorker::files(const ClaimedJob&) {
  return files_.emplace(*for_files_, run_);
}

Result<std::vector<WorkerStatus>> list_workers(const std::string& url) {
  const auto connection = connect(url, journal::Access::read);
  if (!connection) return std::unexpected(connection.error());
  auto rows = (*connection)
                  ->ask(
                      "SELECT id, host, version, started, (extract(epoch FROM expires - "
                      "clock_timestamp()) * "
                      "1000000)::bigint, coalesce((SELECT label FROM jobs WHERE worker = "
                      "workers.id AND state = 1 "
                      "LIMIT 1), ''), coalesce((SELECT string_agg(one, ',') FROM unnest(labels) AS "
                      "one), '') FROM "
                      "workers WHERE expires > clock_timestamp() ORDER BY id");
  if (!rows) return std::unexpected(rows.error());
  std::vector<WorkerStatus> workers;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    WorkerStatus& worker = workers.emplace_back();
    worker.self.id = rows->text(i, 0);
    worker.self.host = rows->text(i, 1);
    worker.self.version = rows->text(i, 2);
    worker.self.started = rows->time(i, 3);
    worker.lease_left = Duration(rows->number(i, 4));
    worker.runs = rows->text(i, 5);
    worker.self.labels = split_words(rows->view(i, 6));
  }
  return workers;
}

}  // namespace interlock::postgres
