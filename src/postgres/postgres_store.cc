#include "postgres/postgres_store.h"

#include <fmt/format.h>

#include "base/json.h"
#include "journal/codec.h"
#include "journal/run_id.h"
#include "postgres/postgres_run_journal.h"
#include "postgres/postgres_task_index.h"
#include "postgres/row_lease.h"
#include "postgres/schema.h"

namespace interlock::postgres {
namespace {

/// So many events are read at once, and shown one by one.
constexpr std::int64_t kPage = 2000;
constexpr std::chrono::milliseconds kHolderIsFresh{250};

std::unexpected<Error> no_run(const std::string& run) {
  return fail(Error::Kind::missing, fmt::format("there is no run `{}`", run),
              "`interlock runs` lists them");
}

/// The folders that the options name in `here`.
std::vector<std::string> places_in(const std::string& options) {
  std::vector<std::string> places;
  const auto value = parse_json(options);
  if (!value || !value->is_object()) return places;
  const json::value* here = value->get_object().if_contains("here");
  if (here == nullptr || !here->is_array()) return places;
  for (const json::value& one : here->get_array()) {
    if (one.is_string()) places.emplace_back(one.get_string());
  }
  return places;
}

#define INTERLOCK_SUMMARIES                                                                     \
  "SELECT id, plan_name, plan_file, path, created, e.seq, e.at, e.name, e.body FROM runs JOIN " \
  "workspaces ON workspaces.number = workspace LEFT JOIN events AS e ON e.run = runs.number "   \
  "AND e.seq = runs.last_seq "

#define INTERLOCK_TASKS "SELECT number, id, state, at_gate, facts FROM tasks WHERE run = $1 "

}  // namespace

PostgresStore::PostgresStore(std::unique_ptr<Connection> connection)
    : PostgresMeasurements(std::move(connection)) {}

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const std::string& url,
                                                           journal::Access access) {
  auto parsed = parse_store_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  Connection::Options options;
  options.access = access;
  auto connection = Connection::open(std::move(*parsed), options);
  if (!connection) return std::unexpected(connection.error());
  auto able =
      access == journal::Access::write ? bring_up_schema(**connection) : check_schema(**connection);
  if (!able) return std::unexpected(able.error());
  return std::unique_ptr<PostgresStore>(new PostgresStore(std::move(*connection)));
}

Result<std::string> PostgresStore::create_run(const journal::RunHead& head, std::uint16_t random) {
  auto workspace = connection().ask(
      "INSERT INTO workspaces(path) VALUES($1) ON CONFLICT (path) DO UPDATE SET path = "
      "excluded.path RETURNING number",
      Parameters(head.workspace));
  if (!workspace) return std::unexpected(workspace.error());
  const std::vector<std::string> names{"plan", "files", "options", "decision"};
  const std::vector<std::string> texts{head.plan_text, head.files, head.options, head.decision};
  for (int tries = 0; tries <= 0xffff; ++tries) {
    const std::string id = journal::make_run_id(head.created, random++);
    // Of one whose outcome is not known nothing more is heard: it has no event, and is nobody's
    // `last`.
    auto made = connection().run(
        "WITH made AS (INSERT INTO runs(id, created, plan_name, plan_file, workspace) VALUES($1, "
        "$2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING number),"
        " kept AS (INSERT INTO documents(run, name, text) SELECT made.number, d.* FROM made, "
        "unnest($6::bytea[], $7::bytea[]) AS d),"
        " placed AS (INSERT INTO places(run, folder) SELECT made.number, p FROM made, "
        "unnest($8::bytea[]) AS p ON CONFLICT DO NOTHING)"
        " SELECT number FROM made",
        Parameters(id, head.created, head.plan_name, head.plan_file, workspace->number(0, 0), names,
                   texts, places_in(head.options)));
    if (!made) return std::unexpected(made.error().error);
    if (!made->empty()) return id;
  }
  return fail(Error::Kind::refused, "all 65536 run ids of today are taken");
}

Result<void> PostgresStore::replace_plan(const std::string& run, const std::string& plan_text,
                                         const std::string& files) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  auto kept = connection().ask(
      "UPDATE documents SET text = CASE WHEN name = $2 THEN $3::bytea ELSE $5::bytea END WHERE run "
      "= $1 AND name IN ($2, $4)",
      Parameters(*number, std::string("plan"), plan_text, std::string("files"), files));
  if (!kept) return std::unexpected(kept.error());
  return {};
}

Result<std::vector<journal::RunSummary>> PostgresStore::summaries(const char* sql,
                                                                  const Parameters& parameters) {
  auto rows = connection().ask(sql, parameters);
  if (!rows) return std::unexpected(rows.error());
  std::vector<journal::RunSummary> list;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    journal::RunSummary one{rows->text(i, 0), rows->text(i, 1), rows->text(i, 2), rows->text(i, 3),
                            rows->time(i, 4)};
    if (!rows->is_null(i, 5)) {
      auto last = journal::read_event(rows->number(i, 5), rows->time(i, 6), rows->view(i, 7),
                                      rows->view(i, 8));
      if (!last) return std::unexpected(last.error());
      one.events = last->seq;
      one.last = last->at;
      if (const auto* ended = std::get_if<engine::RunEnded>(&last->event)) one.ended = *ended;
    }
    list.push_back(std::move(one));
  }
  return list;
}

Result<std::string> PostgresStore::workspace_around(const std::string& folder) {
  std::string innermost;
  if (folder.empty()) return innermost;
  auto rows = connection().ask(
      "SELECT path FROM workspaces WHERE EXISTS (SELECT 1 FROM runs WHERE workspace = "
      "workspaces.number)");
  if (!rows) return std::unexpected(rows.error());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::string path = rows->text(i, 0);
    const std::string below = path.ends_with('/') ? path : path + "/";
    if ((folder == path || folder.starts_with(below)) && path.size() > innermost.size())
      innermost = path;
  }
  return innermost;
}

Result<std::vector<journal::RunSummary>> PostgresStore::runs(const journal::RunFilter& filter) {
  const auto around = workspace_around(filter.folder);
  if (!around) return std::unexpected(around.error());
  const std::optional<std::int64_t> most =
      filter.most == 0 ? std::nullopt : std::optional(static_cast<std::int64_t>(filter.most));
  return summaries(
      INTERLOCK_SUMMARIES
      "WHERE ($1::bytea = '' OR path = $1) AND ($3::bytea = '' OR path = $4 OR EXISTS (SELECT 1 "
      "FROM places WHERE places.run = runs.number AND folder = $3)) AND ($5::bigint = 0 OR "
      "last_seq > 0) ORDER BY runs.number DESC LIMIT $2",
      Parameters(filter.workspace, most, filter.folder, *around,
                 static_cast<std::int64_t>(filter.begun)));
}

Result<std::string> PostgresStore::find_run(std::string_view name) {
  auto rows = connection().ask("SELECT id FROM runs ORDER BY number DESC");
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < rows->size(); ++i) ids.push_back(rows->text(i, 0));
  return journal::choose_run(name, ids);
}

Result<std::int64_t> PostgresStore::number_of(const std::string& run) {
  auto rows = connection().ask("SELECT number FROM runs WHERE id = $1", Parameters(run));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return no_run(run);
  return rows->number(0, 0);
}

Result<journal::RunSummary> PostgresStore::summary(const std::string& run) {
  auto list = summaries(INTERLOCK_SUMMARIES "WHERE id = $1", Parameters(run));
  if (!list) return std::unexpected(list.error());
  if (list->empty()) return no_run(run);
  return std::move(list->front());
}

Result<journal::RunHead> PostgresStore::head(const std::string& run) {
  auto summary = this->summary(run);
  if (!summary) return std::unexpected(summary.error());
  journal::RunHead head = journal::head_of(*summary);
  auto rows = connection().ask(
      "SELECT name, text FROM documents JOIN runs ON number = run WHERE id = $1", Parameters(run));
  if (!rows) return std::unexpected(rows.error());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::string_view name = rows->view(i, 0);
    if (name == "plan") head.plan_text = rows->text(i, 1);
    if (name == "files") head.files = rows->text(i, 1);
    if (name == "options") head.options = rows->text(i, 1);
    if (name == "decision") head.decision = rows->text(i, 1);
  }
  return head;
}

Result<std::optional<journal::RunOutline>> PostgresStore::outline(const std::string& run) {
  auto summary = this->summary(run);
  if (!summary) return std::unexpected(summary.error());
  auto rows = connection().ask(
      "SELECT f.text, o.text FROM runs JOIN documents AS f ON f.run = number AND f.name = $2 JOIN "
      "documents AS o ON o.run = number AND o.name = $3 WHERE id = $1",
      Parameters(run, journal::kFactsDocument, std::string("options")));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  journal::RunHead head = journal::head_of(*summary);
  head.options = rows->text(0, 1);
  return journal::RunOutline{std::move(head), rows->text(0, 0)};
}

Result<std::vector<journal::TaskRow>> PostgresStore::task_rows(const std::string& run,
                                                               const journal::TaskFilter& filter) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  std::vector<std::int64_t> tasks;
  for (const TaskId task : filter.tasks) tasks.push_back(task.index());
  auto rows = connection().ask(
      INTERLOCK_TASKS
      "AND (id = ANY($2) OR number = ANY($3)) UNION ALL (" INTERLOCK_TASKS
      "AND at_gate = 1 AND $4::bigint > 0 ORDER BY number LIMIT $4) UNION ALL (" INTERLOCK_TASKS
      "AND state < 4 AND $5::bigint = 1 ORDER BY number LIMIT 1) UNION ALL (" INTERLOCK_TASKS
      "AND state < 4 AND state <> 1 AND $6::bigint = 1 ORDER BY number LIMIT 1)",
      Parameters(
          *number, filter.ids, tasks,
          filter.at_gates ? static_cast<std::int64_t>(filter.most_at_gates) : std::int64_t{0},
          std::int64_t{filter.first_unsettled}, std::int64_t{filter.first_pending}));
  if (!rows) return std::unexpected(rows.error());
  auto list = task_rows_in(*rows);
  journal::sort_rows(list);
  return list;
}

Result<std::vector<engine::RecordedEvent>> PostgresStore::events_of(const std::string& run,
                                                                    std::optional<TaskId> task) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  auto rows = connection().ask(
      "SELECT seq, at, name, body FROM events WHERE run = $1 AND task = ANY($2) ORDER BY seq",
      Parameters(*number,
                 std::vector<std::int64_t>{engine::kOfRun,
                                           task ? std::int64_t{task->index()} : engine::kOfRun}));
  if (!rows) return std::unexpected(rows.error());
  std::vector<engine::RecordedEvent> events;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto recorded = journal::read_event(rows->number(i, 0), rows->time(i, 1), rows->view(i, 2),
                                        rows->view(i, 3));
    if (!recorded) return std::unexpected(recorded.error());
    events.push_back(std::move(*recorded));
  }
  return events;
}

Result<void> PostgresStore::prune(const std::string& run) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  const auto forget = [&]() -> Outcome<void> {
    Transaction transaction(connection());
    if (auto begun = transaction.begin(); !begun) return begun;
    // Alone with the contents: see `kShareBlobs`.
    if (auto alone = connection().script("SELECT pg_advisory_xact_lock(4706)"); !alone)
      return alone;
    auto gone = connection().run(
        "DELETE FROM blobs WHERE digest IN (SELECT digest FROM mentions WHERE run = $1) AND NOT "
        "EXISTS (SELECT 1 FROM mentions WHERE mentions.digest = blobs.digest AND run <> $1)",
        Parameters(*number));
    if (!gone) return std::unexpected(gone.error());
    gone = connection().run("DELETE FROM runs WHERE number = $1", Parameters(*number));
    if (!gone) return std::unexpected(gone.error());
    return transaction.commit();
  };
  auto done = forget();
  if (!done) return std::unexpected(done.error().error);
  return {};
}

Result<void> PostgresStore::replay(const std::string& run, std::uint64_t after,
                                   const std::function<void(engine::RecordedEvent&&)>& visit) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  for (auto last = static_cast<std::int64_t>(after);;) {
    auto rows = connection().ask(
        "SELECT seq, at, name, body FROM events WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        Parameters(*number, last, kPage));
    if (!rows) return std::unexpected(rows.error());
    for (std::size_t i = 0; i < rows->size(); ++i) {
      auto recorded = journal::read_event(rows->number(i, 0), rows->time(i, 1), rows->view(i, 2),
                                          rows->view(i, 3));
      if (!recorded) return std::unexpected(recorded.error());
      if (recorded->seq != static_cast<std::uint64_t>(++last))
        return journal::damaged(fmt::format("event {} of run `{}` is missing", last, run));
      visit(std::move(*recorded));
    }
    if (static_cast<std::int64_t>(rows->size()) < kPage) return {};
  }
}

Result<std::unique_ptr<journal::RunJournal>> PostgresStore::open_run(
    const std::string& run, const journal::Lease& lease, std::vector<journal::TaskLabel> tasks) {
  auto rows = connection().ask("SELECT number, workspace, id, plan_name FROM runs WHERE id = $1",
                               Parameters(run));
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return no_run(run);
  auto owner = owner_of(connection(), rows->number(0, 0));
  if (!owner) return std::unexpected(owner.error());
  auto opened = std::make_unique<PostgresRunJournal>(
      connection(), PostgresRunJournal::Row{rows->number(0, 0), rows->number(0, 1)}, lease,
      std::move(*owner), std::move(tasks));
  if (auto known = opened->open(); !known) return std::unexpected(known.error());
  // Attempts that were open when its last dispatcher ended.
  auto read = replay(run, 0, [&](engine::RecordedEvent&& recorded) { opened->follow(recorded); });
  if (!read) return std::unexpected(read.error());
  return opened;
}

Result<std::string> PostgresStore::blob(const Digest& digest) {
  return read_blob(connection(), digest);
}

Result<std::int64_t> PostgresStore::post_request(const std::string& run,
                                                 const engine::Request& request, Time at) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  auto posted = connection().run(
      "WITH posted AS (INSERT INTO requests(run, at, kind, task, by, body) VALUES($1, $2, $3, $4, "
      "$5, $6) RETURNING number, run) SELECT number, pg_notify('run_' || run::text, '') FROM "
      "posted",
      Parameters(*number, at, journal::name_of(request.kind), request.task, request.by,
                 request.body));
  if (posted) return posted->number(0, 0);
  Error error = posted.error().error;
  if (posted.error().lost) error.hint = "it may have been received: `interlock show` says";
  return std::unexpected(std::move(error));
}

Result<std::vector<engine::Request>> PostgresStore::open_requests(const std::string& run) {
  const auto number = number_of(run);
  if (!number) return std::unexpected(number.error());
  return read_requests(connection(), *number, 0);
}

Result<std::unique_ptr<journal::Lease>> PostgresStore::lease_run(const journal::Holder& holder) {
  const auto number = number_of(holder.run);
  if (!number) return std::unexpected(number.error());
  LeaseTerm& term = *terms_.emplace_back(std::make_unique<LeaseTerm>());
  auto lease = RowLease::take(connection().url(), *number, holder, term);
  if (!lease) return std::unexpected(lease.error());
  known_.reset();
  // Whoever dispatches tries to reach the server again for as long as it has the run.
  connection().patience([&term] {
    const std::lock_guard lock(term.mutex);
    if (term.is_over) return uptime() + kUsualPatience;
    return term.is_taken ? uptime() : term.until;
  });
  return lease;
}

Result<std::optional<journal::Holder>> PostgresStore::holder_of_run(const std::string& run) {
  if (known_ && known_->run == run && uptime() - known_->at < kHolderIsFresh) return known_->holder;
  auto rows = connection().ask(
      "SELECT holder, process FROM leases JOIN runs ON number = run WHERE id = $1 AND expires > "
      "clock_timestamp()",
      Parameters(run));
  if (!rows) return std::unexpected(rows.error());
  std::optional<journal::Holder> holder;
  if (!rows->empty() && !is_known_dead(rows->view(0, 1))) holder = holder_of(rows->view(0, 0));
  known_ = Known{run, uptime(), holder};
  return holder;
}

}  // namespace interlock::postgres
