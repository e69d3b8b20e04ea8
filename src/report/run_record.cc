#include "report/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "engine/conditions.h"
#include "process/log_file.h"
#include "runs/hindsight.h"
#include "runs/messages.h"

namespace interlock::report {
namespace {

using engine::AttemptRecord;
using engine::Outcome;
using engine::TaskRecord;
using engine::TaskState;
using Kind = Span::Kind;

constexpr std::size_t kOutputShown = std::size_t{8} << 10U;
constexpr std::size_t kOutputsShown = std::size_t{128} << 10U;  ///< Of all.
constexpr std::size_t kLogRead = std::size_t{64} << 10U;
constexpr std::size_t kLogLines = 25;
constexpr std::size_t kFailuresMax = 20;

Kind kind_of(const AttemptRecord& attempt) {
  if (!attempt.ended) return Kind::running;
  const Outcome outcome = attempt.outcome.value_or(Outcome::succeeded);
  if (attempt.refused || outcome == Outcome::conflicted || outcome == Outcome::interrupted ||
      outcome == Outcome::cancelled)
    return Kind::redone;
  return outcome == Outcome::succeeded ? Kind::work : Kind::failed;
}

/// In the order in which they are drawn before an attempt: the journal knows how long each took,
/// and not which came first.
std::array<std::pair<Kind, Duration>, 6> waits_of(const engine::WaitedFor& it) {
  return {{{Kind::backoff, it.backoff},
           {Kind::needs, it.needs},
           {Kind::conflict, it.conflict},
           {Kind::gate, it.gate},
           {Kind::quota, it.quota},
           {Kind::slot, it.slot}}};
}

class SpansOfTask {
 public:
  SpansOfTask(const TaskRecord& record, Time began, Time until)
      : record_(record), until_(std::max(began, until)), last_(began) {}

  std::vector<Span> spans() && {
    for (const AttemptRecord& attempt : record_.attempts) {
      add_waits(attempt);
      const Time to = attempt.ended.value_or(until_);
      add(kind_of(attempt), attempt.started, to, attempt.number);
    }
    const Time settled = record_.settled.value_or(until_);
    until_ = std::max(until_, last_);
    switch (record_.state) {
      // These go on, however short they were until now.
      case TaskState::waiting: spans_.push_back({Kind::pending, last_, until_, 0}); break;
      case TaskState::committing: spans_.push_back({Kind::turn, last_, until_, 0}); break;
      case TaskState::reviewing: spans_.push_back({Kind::gate, last_, until_, 0}); break;
      case TaskState::done:
        if (!record_.attempts.empty())
          add(record_.gate_time > Duration{} ? Kind::gate : Kind::turn, last_, settled, 0);
        break;
      default: break;
    }
    return std::move(spans_);
  }

 private:
  void add_waits(const AttemptRecord& attempt) {
    const auto waits = waits_of(attempt.waited);
    Duration all{};
    for (const auto& [kind, time] : waits) all += time;
    Time at = attempt.started - all;
    for (const auto& [kind, time] : waits) {
      add(kind, at, at + time, 0);
      at += time;
    }
  }

  /// Never before what is there already: a run that was taken up again waited in between.
  void add(Kind kind, Time from, Time to, std::uint32_t attempt) {
    constexpr Duration kShown = std::chrono::milliseconds(1);
    from = std::max(from, last_);
    to = std::max(to, from);
    if (attempt == 0 && to - from < kShown) return;
    spans_.push_back({kind, from, to, attempt});
    last_ = to;
  }

  const TaskRecord& record_;
  Time until_, last_;
  std::vector<Span> spans_;
};

std::string remark_on(const runs::ChosenRun& run, const TaskRecord& record,
                      const std::string& waits_for) {
  if (!record.from_run.empty()) return fmt::format("taken from {}", record.from_run);
  switch (record.state) {
    case TaskState::waiting:
    case TaskState::committing: return waits_for;
    case TaskState::reviewing: return "waits for approval";
    case TaskState::skipped:
      if (record.is_unneeded()) return record.unneeded;
      [[fallthrough]];
    case TaskState::failed:
    case TaskState::cancelled: return record.detail.substr(0, record.detail.find('\n'));
    default: break;
  }
  const std::size_t attempts = record.attempts.size();
  std::string words;
  if (attempts > 1) {
    words = fmt::format("{} attempts", attempts);
    if (record.conflicts > 0) words += fmt::format(", {} met others' changes", record.conflicts);
  }
  if (attempts > 0 && record.attempts.back().batched_with)
    words += fmt::format("{}in one attempt with {}", words.empty() ? "" : ", ",
                         run.plan()[*record.attempts.back().batched_with].id);
  return words;
}

/// Follows what held each task up, from the one that ended last to the beginning.
void mark_critical(const runs::ChosenRun& run, std::vector<TaskRow>& rows) {
  const auto end_of = [&](std::size_t i) {
    return rows[i].spans.empty() ? Time{} : rows[i].spans.back().to;
  };
  const auto start_of = [&](std::size_t i) {
    for (const Span& span : rows[i].spans) {
      if (span.is_attempt()) return span.from;
    }
    return Time{};
  };
  std::vector<std::size_t> by_end;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].spans.empty()) by_end.push_back(i);
  }
  std::ranges::stable_sort(by_end, {}, end_of);
  /// The task that ended last before this one began: whose slot or share of a quota it got.
  const auto freed_by = [&](std::size_t i) -> std::optional<std::size_t> {
    auto after = std::ranges::upper_bound(by_end, start_of(i), {}, end_of);
    while (after != by_end.begin()) {
      if (*--after != i) return *after;
    }
    return std::nullopt;
  };
  const auto waited_on = [&](std::size_t i) {
    std::optional<std::size_t> last;
    for (const footprint::Edge& edge : run.planned.waits().into(rows[i].task)) {
      const std::size_t before = edge.before.index();
      if (rows[before].spans.empty() || end_of(before) > start_of(i)) continue;
      if (!last || end_of(before) > end_of(*last)) last = before;
    }
    return last;
  };
  std::optional<std::size_t> at;
  if (!by_end.empty()) at = by_end.back();
  while (at && !rows[*at].critical) {
    TaskRow& row = rows[*at];
    row.critical = true;
    const bool for_room =
        row.waited.slot + row.waited.quota > row.waited.needs + row.waited.conflict;
    at = for_room ? freed_by(*at) : waited_on(*at);
  }
}

std::vector<std::string> names_of(const plan::Plan& plan, const std::vector<TaskId>& tasks) {
  std::vector<std::string> names;
  for (const TaskId task : tasks) names.push_back(plan[task].id);
  return names;
}

/// How it went on after the attempt that met others' changes.
std::string ending_of(const TaskRecord& record, std::size_t attempt) {
  if (attempt + 1 < record.attempts.size()) {
    return record.attempts[attempt + 1].because == engine::AttemptStarted::Trigger::repair
               ? "mended on what others had made"
               : "done again on what others had made";
  }
  if (record.state == TaskState::failed) return "the task failed";
  return record.state == TaskState::waiting ? "is to be done again"
                                            : std::string(name_of(record.state));
}

std::vector<ConflictRow> conflicts_of(const runs::ChosenRun& run) {
  std::vector<ConflictRow> rows;
  for (std::size_t i = 0; i < run.state.tasks.size(); ++i) {
    const TaskRecord& record = run.state.tasks[i];
    for (std::size_t k = 0; k < record.attempts.size(); ++k) {
      const AttemptRecord& attempt = record.attempts[k];
      ConflictRow row;
      row.task = run.plan().tasks[i].id;
      row.attempt = attempt.number;
      if (attempt.refused) {
        row.paths = attempt.refused->paths;
        row.count = attempt.refused->count;
        row.by = names_of(run.plan(), attempt.refused->by);
        row.ending = ending_of(record, k);
        rows.push_back(row);
      } else if (attempt.outcome == Outcome::conflicted) {
        row.detail = attempt.detail;
        row.ending = ending_of(record, k);
        rows.push_back(row);
      }
      if (attempt.merged.empty()) continue;
      row.detail.clear();
      row.paths.clear();
      row.by.clear();
      constexpr std::size_t kPathsShown = 5;
      for (const auto& file : attempt.merged) {
        if (row.paths.size() < kPathsShown) row.paths.push_back(file.name);
      }
      row.count = attempt.merged.size();
      const auto by_driver =
          static_cast<std::size_t>(std::ranges::count_if(attempt.merged, [&](const auto& file) {
            return run.plan().driver_of(file.name) != nullptr;
          }));
      row.ending = by_driver == 0           ? "merged line by line"
                   : by_driver == row.count ? "joined by merge drivers"
                                            : "merged by drivers and line by line";
      row.is_merged = true;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

class Outputs {
 public:
  explicit Outputs(journal::Store& store) : store_(store) {}

  OutputRow row(std::string name, std::string kind, const std::optional<Digest>& digest) {
    OutputRow row{std::move(name), std::move(kind), digest, {}, {}, 0};
    if (!digest) return row;
    auto bytes = store_.blob(*digest);
    if (!bytes) {
      row.failure = bytes.error().message;
      return row;
    }
    row.bytes = bytes->size();
    const std::size_t most = std::min(kOutputShown, left_);
    if (first_bad_utf8(*bytes) || most == 0) return row;
    std::string_view shown = std::string_view(*bytes).substr(0, most);
    // Not in the middle of a character.
    if (shown.size() < bytes->size()) {
      if (const auto bad = first_bad_utf8(shown)) shown = shown.substr(0, *bad);
    }
    row.text = std::string(shown);
    left_ -= shown.size();
    return row;
  }

 private:
  journal::Store& store_;
  std::size_t left_ = kOutputsShown;
};

/// Merges first; of tasks only those that no merge takes.
std::vector<OutputRow> outputs_of(const runs::ChosenRun& run, journal::Store& store) {
  std::vector<OutputRow> rows;
  Outputs outputs(store);
  for (std::size_t i = 0; i < run.plan().merges.size(); ++i) {
    const engine::MergeRecord& made = run.state.merges[i];
    rows.push_back(outputs.row(run.plan().merges[i].name, "merge", made.output));
    if (!made.failure.empty()) rows.back().failure = made.failure;
  }
  if (!rows.empty()) return rows;
  constexpr std::size_t kTasksShown = 50;
  for (std::size_t i = 0; i < run.state.tasks.size() && rows.size() < kTasksShown; ++i) {
    const TaskRecord& record = run.state.tasks[i];
    if (record.state == TaskState::done && record.output)
      rows.push_back(outputs.row(run.plan().tasks[i].id, "task", record.output));
  }
  return rows;
}

/// What it said last, as it reads.
void read_log(const runs::ChosenRun& run, const std::string& folder, TaskId task,
              const AttemptRecord& attempt, FailureLog& into) {
  const std::string path = folder + "/" + process::log_file_name({task, attempt.number, 0});
  auto reader = process::LogReader::open_end(path, kLogRead);
  if (!reader) return;
  auto messages = runs::Messages::of(run.plan(), task, attempt, 0);
  std::vector<std::string> said;
  auto lines = reader->next();
  std::ranges::move(reader->unfinished(), std::back_inserter(lines));
  for (process::LogLine& line : lines) {
    if (messages && line.stream == process::Stream::output) {
      std::ranges::move(messages->line(line.text), std::back_inserter(said));
    } else {
      said.push_back(std::move(line.text));
    }
  }
  if (messages) std::ranges::move(messages->rest(), std::back_inserter(said));
  into.is_cut = reader->is_cut() || said.size() > kLogLines;
  constexpr std::size_t kLineMost = 400;
  for (std::size_t i = said.size() - std::min(said.size(), kLogLines); i < said.size(); ++i)
    into.lines += elide_end(printable(said[i]), kLineMost) + "\n";
}

std::vector<FailureLog> failures_of(const runs::ChosenRun& run, const std::string& folder) {
  std::vector<FailureLog> all;
  for (std::uint32_t i = 0; i < run.state.tasks.size() && all.size() < kFailuresMax; ++i) {
    const TaskRecord& record = run.state.tasks[i];
    if (record.state != TaskState::failed) continue;
    FailureLog one{run.plan().tasks[i].id, record.detail, 0, {}, false};
    if (!record.attempts.empty()) {
      one.attempt = record.attempts.back().number;
      read_log(run, folder, TaskId(i), record.attempts.back(), one);
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

std::string_view name_of(Span::Kind kind) {
  switch (kind) {
    case Kind::needs: return "needs";
    case Kind::conflict: return "conflict";
    case Kind::slot: return "slot";
    case Kind::quota: return "quota";
    case Kind::gate: return "gate";
    case Kind::backoff: return "back-off";
    case Kind::turn: return "turn";
    case Kind::pending: return "waiting";
    case Kind::work: return "succeeded";
    case Kind::failed: return "failed";
    case Kind::redone: return "redone";
    case Kind::running: return "running";
  }
  return {};
}

engine::Usage usage_of(const TaskRecord& record) {
  engine::Usage sum;
  for (const auto& attempt : record.attempts) sum = at_least(sum, attempt.known);
  return sum;
}

engine::WaitedFor waited_of(const TaskRecord& record) {
  engine::WaitedFor sum;
  for (const auto& attempt : record.attempts) {
    sum.needs += attempt.waited.needs;
    sum.conflict += attempt.waited.conflict;
    sum.quota += attempt.waited.quota;
    sum.slot += attempt.waited.slot;
    sum.backoff += attempt.waited.backoff;
  }
  sum.gate = record.gate_time;
  return sum;
}

std::optional<Duration> saved_by(const engine::RunStatus& status) {
  const Duration saved =
      status.one_by_one.value_or(status.sequential) - (status.elapsed - status.stood);
  const bool is_loss_known =
      status.one_by_one ||
      (status.failed_work == Duration{} && status.lost == Duration{} &&
       status.waited.quota == Duration{} && status.models.waited_quota == Duration{});
  if (saved < Duration{} && !is_loss_known) return std::nullopt;
  return saved;
}

std::vector<TaskRow> task_rows_of(const runs::ChosenRun& run, const engine::RunStatus& status,
                                  Time until) {
  std::vector<std::string> waits_for(run.state.tasks.size());
  for (const engine::TaskStatus& one : status.tasks)
    waits_for[one.task.index()] = one.call_waits.empty() ? one.waits_for : one.call_waits;
  const Time began = run.state.began.value_or(run.head.created);
  std::vector<TaskRow> rows;
  for (std::uint32_t i = 0; i < run.state.tasks.size(); ++i) {
    const TaskRecord& record = run.state.tasks[i];
    const plan::Task& task = run.plan().tasks[i];
    TaskRow row;
    row.task = TaskId(i);
    row.id = task.id;
    row.unused = engine::is_unused_place(run.plan(), run.state, row.task);
    // Until its items are known, the first place stands for all of the fan-out.
    if (task.family && !run.state.expanded.contains(run.plan().families[*task.family].first))
      row.id = run.plan().families[*task.family].id;
    row.agent = run.plan().agents[task.agent.index()].name;
    row.state = record.state;
    row.remark = remark_on(run, record, waits_for[i]);
    row.spans = SpansOfTask(record, began, until).spans();
    row.used = usage_of(record);
    row.waited = waited_of(record);
    for (const AttemptRecord& attempt : record.attempts) {
      const auto known = completeness_of(run.plan(), row.task, attempt);
      row.complete.asked |= known.asked;
      row.complete.tokens &= known.tokens;
      row.complete.cost &= known.cost;
      if (!attempt.model.empty()) row.model = attempt.model;
    }
    if (!record.attempts.empty() && record.attempts.back().ended)
      row.elapsed = record.attempts.back().elapsed;
    rows.push_back(std::move(row));
  }
  mark_critical(run, rows);
  return rows;
}

RunRecord record_of_run(const runs::ChosenRun& run, journal::Store& store,
                        const std::string& state_folder, Time now) {
  RunRecord record;
  record.id = run.id();
  record.workspace = run.head.workspace;
  record.state = runs::state_text(run);
  record.began = run.state.began.value_or(run.head.created);
  record.until = run.dispatched() ? now : run.state.last.value_or(record.began);
  record.status = runs::view_from_outside(run, now);
  runs::show_kept_hindsight(run, store, record.status);
  record.decided = runs::kept_decision(run);
  record.tasks = task_rows_of(run, record.status, record.until);
  record.conflicts = conflicts_of(run);
  record.outputs = outputs_of(run, store);
  record.failures = failures_of(run, runs::log_folder(state_folder, run.id()));
  return record;
}

RunRecord record_for_document(const runs::ChosenRun& run, journal::Store& store,
                              const std::string& state_folder, Time now) {
  RunRecord record = record_of_run(run, store, state_folder, now);
  std::erase_if(record.tasks, &TaskRow::unused);
  record.topics = topics_of(run);
  record.messages = messages_of(run);
  return record;
}

namespace {

template <typename T>
std::string known_text(const TaskRow& row, bool complete, const std::optional<T>& value,
                       std::string (*show)(std::int64_t)) {
  if (!value) return row.complete.asked ? "unknown" : "none";
  if (!row.complete.asked && *value == 0) return "none";
  return (complete ? "" : "at least ") + show(*value);
}

}  // namespace

std::string tokens_text(const TaskRow& row) {
  // The parts that are known are at least what was used.
  std::optional<Tokens> sum;
  for (const auto& part :
       {row.used.input, row.used.output, row.used.cache_read, row.used.cache_write}) {
    if (part) sum = sum.value_or(0) + *part;
  }
  return known_text(row, row.complete.tokens, sum, show_count);
}

std::string cost_text(const TaskRow& row) {
  return known_text(row, row.complete.cost, row.used.cost, show_usd);
}

}  // namespace interlock::report
