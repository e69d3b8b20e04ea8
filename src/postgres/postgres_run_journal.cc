#include "postgres/postgres_run_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "journal/codec.h"
#include "postgres/postgres_measurements.h"

namespace interlock::postgres {
namespace {

/// Appends that mention contents hold this shared, and pruning holds it alone: else it could take
/// away a content that an append has just found there.
constexpr const char* kShareBlobs = "SELECT pg_advisory_xact_lock_shared(4706)";

/// In a list, which holds no nulls: the event has no subject.
constexpr std::int64_t kNoSubject = -2;

std::string bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

/// Reads id, key, output, wrote, parts, trace.
Result<std::optional<engine::StoredResult>> result_in(const Rows& rows) {
  if (rows.empty()) return std::nullopt;
  auto parts = journal::read_cache_key_parts(rows.view(0, 4));
  if (!parts) return std::unexpected(parts.error());
  engine::StoredResult result;
  result.run = rows.text(0, 0);
  result.key = rows.digest(0, 1).value_or(Digest{});
  result.cache_key_parts = std::move(*parts);
  result.output = rows.digest(0, 2);
  result.wrote = rows.digest(0, 3).value_or(Digest{});
  result.trace = rows.digest(0, 5);
  return result;
}

template <typename T>
Outcome<void> done(const Outcome<T>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}

}  // namespace

/// What one append writes, made once however often it is tried.
struct PostgresRunJournal::Turn {
  std::span<const engine::Blob> blobs;
  std::span<const std::pair<std::string, engine::StoredResult>> results;
  std::vector<std::int64_t> numbers, times, subjects;
  std::vector<std::string> names, bodies, mentioned;
  journal::Measured measured;
  PostgresTaskIndex::Changes index;
  std::uint64_t last = 0;  ///< Of the run, when it is done.

  /// Whether the events are all there is to write.
  bool is_plain() const {
    return blobs.empty() && results.empty() && mentioned.empty() && measured.samples.empty() &&
           measured.calls.empty() && measured.met.empty() && measured.joined.empty() &&
           !index.has_facts();
  }
};

Result<std::string> read_blob(Connection& connection, const Digest& digest) {
  auto rows = connection.ask("SELECT bytes FROM blobs WHERE digest = $1", Parameters(digest));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty())
    return fail(Error::Kind::missing, fmt::format("the store has no content `{}`", digest.brief()),
                "its run was pruned; run the task again");
  std::string bytes = rows->text(0, 0);
  if (digest_of(bytes) != digest)
    return journal::damaged(fmt::format("content `{}` is not what was stored", digest.brief()));
  return bytes;
}

Result<std::vector<engine::Request>> read_requests(Connection& connection, std::int64_t run,
                                                   std::int64_t after, std::int64_t* last) {
  auto rows = connection.ask(
      "SELECT number, kind, task, by, body FROM requests WHERE run = $1 AND taken = 0 AND number > "
      "$2 ORDER BY number",
      Parameters(run, after));
  if (!rows) return std::unexpected(rows.error());
  std::vector<engine::Request> requests;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (last != nullptr) *last = rows->number(i, 0);
    if (const auto kind = journal::request_kind(rows->view(i, 1)))
      requests.push_back(
          {rows->number(i, 0), *kind, rows->text(i, 2), rows->text(i, 3), rows->text(i, 4)});
  }
  return requests;
}

PostgresRunJournal::PostgresRunJournal(Connection& connection, Row row, const journal::Lease& lease,
                                       journal::SampleOwner owner,
                                       std::vector<journal::TaskLabel> tasks)
    : connection_(connection),
      row_(row),
      lease_(lease),
      measured_(std::move(owner), std::move(tasks)),
      index_(row.run) {}

void PostgresRunJournal::follow(const engine::RecordedEvent& recorded) {
  last_ = recorded.seq;
  measured_.apply(recorded);
  measured_.take();
}

Result<void> PostgresRunJournal::append(
    std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  Turn turn;
  turn.blobs = blobs;
  turn.results = results;
  turn.last = last_;
  std::set<std::string> mentioned;
  for (const engine::Blob& blob : blobs) mentioned.insert(bytes_of(blob.digest));
  for (const engine::RecordedEvent& recorded : events) {
    if (recorded.seq != ++turn.last) return std::unexpected(journal::went_on(recorded.seq, last_));
    turn.numbers.push_back(static_cast<std::int64_t>(recorded.seq));
    turn.times.push_back(recorded.at.time_since_epoch().count());
    turn.names.emplace_back(engine::name_of(recorded.event));
    turn.bodies.push_back(journal::body_of(recorded.event));
    turn.subjects.push_back(engine::subject_of(recorded.event).value_or(kNoSubject));
    if (const auto content = journal::content_of(recorded.event))
      mentioned.insert(bytes_of(*content));
  }
  for (const auto& [task, result] : results) {
    if (result.output) mentioned.insert(bytes_of(*result.output));
    if (result.trace) mentioned.insert(bytes_of(*result.trace));
  }
  turn.mentioned.assign(mentioned.begin(), mentioned.end());
  journal::Projection measured = measured_;  // The append may not come to pass.
  for (const engine::RecordedEvent& recorded : events) measured.apply(recorded);
  turn.measured = measured.take();
  turn.index = index_.changes_of(events, last_);

  for (bool was_tried = false;; was_tried = true) {
    if (auto held = lease_.held(); !held) return held;
    auto written = write(turn);
    const bool is_done = written && *written == Written::done;
    if (!is_done) {
      if (!written && !written.error().lost) return std::unexpected(written.error().error);
      if (!written) {
        if (auto again = connection_.reconnect(); !again) {
          // What the lease says is why nothing more is tried.
          const auto held = lease_.held();
          return held ? std::unexpected(again.error()) : std::unexpected(held.error());
        }
      }
      const auto there = last_of_ours();
      if (!there) return std::unexpected(there.error());
      // An earlier try may have come through after all, also one whose answer was lost.
      const bool came_through =
          (was_tried || !written) && *there && **there == turn.last && turn.last != last_;
      if (!came_through) {
        if (!written) continue;
        return std::unexpected(journal::went_on(there->value_or(0), last_));
      }
    }
    last_ = turn.last;
    taken_ = handed_out_;
    measured_ = std::move(measured);
    index_.written(turn.index);
    return {};
  }
}

Result<std::optional<std::uint64_t>> PostgresRunJournal::last_of_ours() {
  auto rows =
      connection_.ask("SELECT last_seq, epoch FROM runs WHERE number = $1", Parameters(row_.run));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty() || rows->number(0, 1) != lease_.epoch()) return std::nullopt;
  return static_cast<std::uint64_t>(rows->number(0, 0));
}

Outcome<PostgresRunJournal::Written> PostgresRunJournal::write(const Turn& turn) {
  if (turn.is_plain()) return write_events(turn);
  Transaction transaction(connection_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  if (!turn.mentioned.empty()) {
    if (auto shared = connection_.script(kShareBlobs); !shared)
      return std::unexpected(shared.error());
  }
  auto written = write_events(turn);
  if (!written || *written == Written::fenced) return written;
  if (auto kept = write_blobs(turn.blobs); !kept) return std::unexpected(kept.error());
  if (auto kept = write_results(turn); !kept) return std::unexpected(kept.error());
  if (auto kept = write_measured(connection_, turn.measured); !kept)
    return std::unexpected(kept.error());
  if (turn.index.has_facts()) {
    if (auto kept = index_.write(connection_, turn.index); !kept)
      return std::unexpected(kept.error());
  }
  if (auto committed = transaction.commit(); !committed) return std::unexpected(committed.error());
  return Written::done;
}

/// One statement: either the row is as this dispatcher knows it, and all is written, or nothing is.
Outcome<PostgresRunJournal::Written> PostgresRunJournal::write_events(const Turn& turn) {
  // A statement does not see the tasks that come with it: those are written behind it, and how they
  // stand with them.
  const PostgresTaskIndex::Changes none;
  const auto& standings = turn.index.has_facts() ? none : turn.index;
  auto fence = connection_.run(
      "WITH fence AS (UPDATE runs SET last_seq = $4 WHERE number = $1 AND epoch = $2 AND last_seq "
      "= $3 RETURNING number),"
      " written AS (INSERT INTO events(run, seq, at, name, body, task) SELECT fence.number, e.seq, "
      "e.at, e.name, e.body, nullif(e.task, -2) FROM fence, unnest($5::bigint[], $6::bigint[], "
      "$7::bytea[], $8::bytea[], $12::bigint[]) AS e(seq, at, name, body, task)),"
      " standing AS (UPDATE tasks SET state = coalesce(nullif(c.state, -1), tasks.state), at_gate "
      "= coalesce(nullif(c.gate, -1), at_gate) FROM fence, unnest($13::bigint[], $14::bigint[], "
      "$15::bigint[]) AS c(task, state, gate) WHERE tasks.run = fence.number AND tasks.number = "
      "c.task),"
      " mentioned AS (INSERT INTO mentions(digest, run) SELECT m, fence.number FROM fence, "
      "unnest($9::bytea[]) AS m ON CONFLICT DO NOTHING),"
      " answered AS (UPDATE requests SET taken = 1 FROM fence WHERE run = fence.number AND taken = "
      "0 AND requests.number <= $10 AND requests.number > $11)"
      " SELECT count(*) FROM fence",
      Parameters(row_.run, lease_.epoch(), static_cast<std::int64_t>(last_),
                 static_cast<std::int64_t>(turn.last), turn.numbers, turn.times, turn.names,
                 turn.bodies, turn.mentioned, handed_out_, taken_, turn.subjects, standings.tasks,
                 standings.states, standings.gates));
  if (!fence) return std::unexpected(fence.error());
  return fence->number(0, 0) == 1 ? Written::done : Written::fenced;
}

Outcome<void> PostgresRunJournal::write_blobs(std::span<const engine::Blob> blobs) {
  if (blobs.empty()) return {};
  std::vector<std::string> digests;
  for (const engine::Blob& blob : blobs) digests.push_back(bytes_of(blob.digest));
  // Only what is missing travels.
  auto there =
      connection_.run("SELECT digest FROM blobs WHERE digest = ANY($1)", Parameters(digests));
  if (!there) return std::unexpected(there.error());
  std::set<std::string> known;
  for (std::size_t i = 0; i < there->size(); ++i) known.insert(there->text(i, 0));
  for (const engine::Blob& blob : blobs) {
    if (!known.insert(bytes_of(blob.digest)).second) continue;
    auto kept =
        connection_.run("INSERT INTO blobs(digest, bytes) VALUES($1, $2) ON CONFLICT DO NOTHING",
                        Parameters(blob.digest, blob.bytes));
    if (!kept) return std::unexpected(kept.error());
  }
  return {};
}

Outcome<void> PostgresRunJournal::write_results(const Turn& turn) {
  for (const auto& [task, result] : turn.results) {
    // A new number, for the newest result is the one with the highest.
    auto kept = connection_.run(
        "INSERT INTO results(workspace, task, key, run, output, wrote, parts, trace) VALUES($1, "
        "$2, "
        "$3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, task, key) DO UPDATE SET number = "
        "excluded.number, run = excluded.run, output = excluded.output, wrote = excluded.wrote, "
        "parts = excluded.parts, trace = excluded.trace",
        Parameters(row_.workspace, task, result.key, row_.run, result.output, result.wrote,
                   journal::write_cache_key_parts(result.cache_key_parts), result.trace));
    if (!kept) return done(kept);
  }
  return {};
}

Result<std::string> PostgresRunJournal::blob(const Digest& digest) {
  return read_blob(connection_, digest);
}

Result<std::optional<engine::StoredResult>> PostgresRunJournal::find_result(const std::string& task,
                                                                            const Digest& key) {
  auto rows = connection_.ask(
      "SELECT id, key, output, wrote, parts, trace FROM results JOIN runs ON runs.number = run "
      "WHERE results.workspace = $1 AND task = $2 AND key = $3",
      Parameters(row_.workspace, task, key));
  if (!rows) return std::unexpected(rows.error());
  return result_in(*rows);
}

Result<std::optional<engine::StoredResult>> PostgresRunJournal::latest_result(
    const std::string& task) {
  auto rows = connection_.ask(
      "SELECT id, key, output, wrote, parts, trace FROM results JOIN runs ON runs.number = run "
      "WHERE results.workspace = $1 AND task = $2 AND EXISTS (SELECT 1 FROM runs AS ours WHERE "
      "ours.number = $3 AND (ours.plan_name = runs.plan_name OR ours.plan_file = runs.plan_file)) "
      "ORDER BY results.number DESC LIMIT 1",
      Parameters(row_.workspace, task, row_.run));
  if (!rows) return std::unexpected(rows.error());
  return result_in(*rows);
}

Result<std::vector<engine::Request>> PostgresRunJournal::take_requests() {
  if (auto held = lease_.held(); !held) return std::unexpected(held.error());
  auto requests = read_requests(connection_, row_.run, handed_out_, &handed_out_);
  if (requests) return requests;
  const auto held = lease_.held();
  return held ? requests : std::unexpected(held.error());
}

}  // namespace interlock::postgres
