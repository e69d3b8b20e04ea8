#include "runs/excerpt.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/task_index.h"
#include "runs/task_facts.h"

namespace interlock::runs {
namespace {

using engine::TaskState;

/// A task with more neighbours is looked at with all of its run.
constexpr std::size_t kMostNeighbours = 300;

/// A row of the store, and what its facts say.
struct KnownTask {
  journal::TaskRow row;
  KnownOfTask known;

  bool is_over() const { return row.state >= TaskState::done; }
};

Result<std::vector<KnownTask>> tasks_of(journal::TaskIndex& index, const std::string& run,
                                        const journal::TaskFilter& filter) {
  auto rows = index.task_rows(run, filter);
  if (!rows) return std::unexpected(rows.error());
  std::vector<KnownTask> tasks;
  for (journal::TaskRow& row : *rows) {
    auto known = known_of_task(row.facts);
    if (!known) return std::unexpected(known.error());
    tasks.push_back({std::move(row), std::move(*known)});
  }
  return tasks;
}

/// The tasks that its edges and its events name, itself among them.
std::set<TaskId> named_by(const KnownTask& main, const std::vector<engine::RecordedEvent>& events) {
  std::set<TaskId> named{main.row.task};
  for (const auto* edges : {&main.known.after, &main.known.waits}) {
    for (const footprint::Edge& edge : *edges) named.insert(edge.before);
  }
  for (engine::RecordedEvent recorded : events) {
    // What others lost is said of them all at once.
    if (std::holds_alternative<engine::ChangesLost>(recorded.event)) continue;
    engine::renumber(recorded.event, [&](TaskId task) {
      named.insert(task);
      return std::optional(task);
    });
  }
  return named;
}

/// Puts together a run of some of its tasks, which get the numbers they have among these.
class Excerpt {
 public:
  Excerpt(std::vector<KnownTask> tasks, const KnownOfRun& of_run)
      : tasks_(std::move(tasks)), of_run_(of_run) {}

  /// Its plan, who waits for whom of `main`, and what was decided of them.
  Planned planned(std::optional<TaskId> main) const {
    Planned planned;
    planned.plan.agents.resize(1);
    for (const std::string& name : of_run_.merges) planned.plan.merges.emplace_back().name = name;
    for (const KnownTask& one : tasks_) {
      plan::Task& task = planned.plan.tasks.emplace_back();
      task.id = one.row.id;
      task.agent = AgentId(0);
      task.footprint.unknown = one.known.is_unknown;
      task.gate_before = one.known.gate_before;
      task.gate_after = one.known.gate_after;
      planned.expected.emplace_back().time = one.known.expected;
      planned.decision.verdicts.push_back(
          {one.known.exclusive, one.known.exclusive_because, one.known.exclusive_hint});
    }
    planned.interlocking = edges_into(main, &KnownOfTask::after);
    planned.decision.speculation.waits = edges_into(main, &KnownOfTask::waits);
    planned.decision.policy.parallel = planned.decision.n = of_run_.parallel;
    planned.decision.policy.plan_order = of_run_.plan_order;
    return planned;
  }

  std::optional<TaskId> number_of(TaskId task) const {
    const auto found = std::ranges::lower_bound(tasks_, task, {},
                                                [](const KnownTask& one) { return one.row.task; });
    if (found == tasks_.end() || found->row.task != task) return std::nullopt;
    return TaskId(static_cast<std::uint32_t>(found - tasks_.begin()));
  }

  const std::vector<KnownTask>& tasks() const { return tasks_; }

 private:
  footprint::Interlocking edges_into(std::optional<TaskId> main,
                                     std::vector<footprint::Edge> KnownOfTask::* edges) const {
    footprint::Interlocking graph;
    graph.first.push_back(0);
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      if (main && tasks_[i].row.task == *main) {
        for (footprint::Edge edge : tasks_[i].known.*edges) {
          edge.before = *number_of(edge.before);  // All of them were asked for.
          edge.after = TaskId(i);
          graph.edges.push_back(std::move(edge));
        }
      }
      graph.first.push_back(static_cast<std::uint32_t>(graph.edges.size()));
    }
    return graph;
  }

  std::vector<KnownTask> tasks_;
  const KnownOfRun& of_run_;
};

/// How others stand, for their states and for the scheduler.
void take_standings(const Excerpt& excerpt, std::optional<TaskId> main, ChosenRun& run, Time at) {
  using Kind = schedule::Change::Kind;
  for (std::uint32_t i = 0; i < excerpt.tasks().size(); ++i) {
    const KnownTask& one = excerpt.tasks()[i];
    if (one.row.task == main) continue;
    const auto change = [&](Kind kind, schedule::End end = {}) {
      run.changes.push_back({.kind = kind, .task = TaskId(i), .at = at, .end = end});
    };
    const TaskState state = one.row.state;
    run.state.tasks[i].state = state;
    if (one.row.at_gate) run.state.tasks[i].gate_since = at;
    if (state == TaskState::waiting) continue;
    if (one.is_over()) {
      change(Kind::end,
             state == TaskState::done ? schedule::End::succeeded : schedule::End::failed);
      continue;
    }
    change(Kind::start);
    if (state != TaskState::running) change(Kind::release);
  }
}

/// False: they say more than can be told of a part of the run.
bool take_events(const Excerpt& excerpt, std::optional<TaskId> main,
                 std::vector<engine::RecordedEvent> events, ChosenRun& run) {
  const auto among = [&](TaskId task) { return excerpt.number_of(task); };
  for (engine::RecordedEvent& recorded : events) {
    const bool is_of_run = engine::subject_of(recorded.event) == engine::kOfRun;
    if (const auto* lost = std::get_if<engine::ChangesLost>(&recorded.event)) {
      if (main && std::ranges::find(lost->tasks, *main) != lost->tasks.end()) return false;
      continue;
    }
    if (std::holds_alternative<engine::AttemptsBatched>(recorded.event)) return false;
    if (std::holds_alternative<engine::TaskMoved>(recorded.event)) continue;
    if (!engine::renumber(recorded.event, among)) continue;
    run.state.seq = recorded.seq - 1;
    engine::apply(run.state, recorded);
    if (!is_of_run) continue;
    for (const schedule::Change& change : engine::changes_of(run.state, recorded))
      run.changes.push_back(change);
    // They begin with the run; what comes before them in the list would be forgotten.
    if (recorded.seq == 1) take_standings(excerpt, main, run, recorded.at);
  }
  return run.state.began.has_value();
}

/// Whether the scheduler of the part gives the reason that the whole one gives. Whom a task waits
/// for comes first in it; what has ended may still be in the way while it waits for another.
bool is_reason_known(const Excerpt& excerpt, const KnownTask& main, const KnownOfRun& of_run,
                     const engine::TaskRecord& record, std::optional<TaskId> first_unsettled) {
  if (!record.attempts.empty() || record.revived) return false;
  bool is_need_open = false;
  std::optional<bool> is_blocked;  // Of the first that may be in the way: whether it is.
  bool is_any_doubtful = false;
  for (const footprint::Edge& edge : main.known.waits) {
    const KnownTask& before = excerpt.tasks()[excerpt.number_of(edge.before)->index()];
    // Whoever needs it goes on where it was not needed either, which its state does not tell.
    if (before.row.state == TaskState::skipped) return false;
    if (edge.why == footprint::Why::needs && before.row.state != TaskState::done)
      is_need_open = true;
    const bool has_passed = before.is_over() && (before.known.waits.empty() || !first_unsettled ||
                                                 edge.before < *first_unsettled);
    if (has_passed) continue;
    if (!is_blocked) is_blocked = !before.is_over();
    is_any_doubtful |= before.is_over();
  }
  if (is_need_open) return true;
  if (is_blocked) return *is_blocked;
  return !is_any_doubtful && of_run.is_plain && !main.known.uses_resources;
}

std::optional<TaskId> first_unsettled_of(const Excerpt& excerpt) {
  for (const KnownTask& one : excerpt.tasks()) {
    if (!one.is_over()) return one.row.task;
  }
  return std::nullopt;
}

/// What the store told.
struct Known {
  journal::RunHead head;
  PlanRequest request;
  KnownOfRun of_run;
  journal::RunSummary summary;
  std::optional<KnownTask> main;
  std::vector<engine::RecordedEvent> events;
  std::vector<KnownTask> tasks;

  std::optional<TaskId> main_id() const {
    return main ? std::optional(main->row.task) : std::nullopt;
  }
};

/// The run as it is kept without its plan; nothing: it has no outline.
Result<std::optional<Known>> known_run(journal::Store& store, journal::TaskIndex& index,
                                       const std::string& id) {
  auto outline = index.outline(id);
  if (!outline) return std::unexpected(outline.error());
  if (!*outline) return std::nullopt;
  auto of_run = known_of_run((*outline)->facts);
  if (!of_run) return std::unexpected(of_run.error());
  auto request = request_from_json((*outline)->head.options);
  if (!request) return std::unexpected(request.error());
  auto summary = store.summary(id);
  if (!summary) return std::unexpected(summary.error());
  Known known;
  known.head = std::move((*outline)->head);
  known.request = std::move(*request);
  known.of_run = std::move(*of_run);
  known.summary = std::move(*summary);
  return known;
}

/// The tasks that are wanted. False: there are too many.
Result<bool> read_tasks(journal::TaskIndex& index, const ExcerptOptions& options, Known& known) {
  const std::string& id = known.head.id;
  journal::TaskFilter filter;
  filter.at_gates = options.at_gates;
  if (!options.task.empty()) {
    auto found = tasks_of(index, id, {.ids = {options.task}});
    if (!found) return std::unexpected(found.error());
    if (found->size() == 1) known.main = std::move(found->front());
  }
  auto events = index.events_of(id, known.main_id());
  if (!events) return std::unexpected(events.error());
  known.events = std::move(*events);
  // Where people put tasks among others, more than their numbers says whose turn it is.
  known.of_run.is_plain &=
      std::ranges::none_of(known.events, [](const engine::RecordedEvent& recorded) {
        return std::holds_alternative<engine::TaskMoved>(recorded.event);
      });
  std::set<TaskId> named;
  if (known.main) {
    named = named_by(*known.main, known.events);
    if (named.size() > kMostNeighbours) return false;
    filter.tasks.assign(named.begin(), named.end());
    filter.first_unsettled = filter.first_pending = true;
  }
  auto tasks = tasks_of(index, id, filter);
  if (!tasks) return std::unexpected(tasks.error());
  known.tasks = std::move(*tasks);
  const auto is_there = [&](TaskId task) {
    return std::ranges::any_of(known.tasks,
                               [&](const KnownTask& one) { return one.row.task == task; });
  };
  return known.tasks.size() < filter.most_at_gates && std::ranges::all_of(named, is_there);
}

}  // namespace

void show_nothing_running(engine::RunState& state) {
  for (engine::TaskRecord& task : state.tasks) {
    if (task.state == TaskState::running) task.state = TaskState::waiting;
  }
}

Result<std::unique_ptr<ChosenRun>> read_excerpt(journal::Store& store, const std::string& id,
                                                const ExcerptOptions& options) {
  const auto too_little = [] { return std::unique_ptr<ChosenRun>(); };
  journal::TaskIndex* const index = journal::task_index_of(store);
  if (index == nullptr) return too_little();
  auto read = known_run(store, *index, id);
  if (!read) return std::unexpected(read.error());
  if (!*read) return too_little();
  Known& known = **read;
  const auto is_enough = read_tasks(*index, options, known);
  if (!is_enough) return std::unexpected(is_enough.error());
  if (!*is_enough) return too_little();

  const auto main = known.main_id();
  const Excerpt excerpt(std::move(known.tasks), known.of_run);
  auto run =
      std::make_unique<ChosenRun>(ChosenRun{std::move(known.head), std::move(known.request),
                                            excerpt.planned(main), engine::RunState(plan::Plan{})});
  run->leases = &store;
  run->state = engine::RunState(run->plan());
  run->planned_tasks = run->plan().tasks.size();
  if (!take_events(excerpt, main, std::move(known.events), *run)) return too_little();
  run->state.seq = known.summary.events;
  run->state.last = known.summary.last;
  take_retuned(run->planned, run->state.retuned);
  if (!run->dispatched()) show_nothing_running(run->state);
  if (!main) return run;
  const TaskId number = *excerpt.number_of(*main);
  const engine::TaskRecord& record = run->state[number];
  if (record.gate_before_approved)
    run->changes.push_back({.kind = schedule::Change::Kind::approve, .task = number});
  // Whoever answers at a gate does not ask why a task waits.
  const bool asks_scheduler =
      !options.at_gates && record.state == TaskState::waiting && !run->state.ended;
  if (asks_scheduler &&
      !is_reason_known(excerpt, *known.main, known.of_run, record, first_unsettled_of(excerpt)))
    return too_little();
  return run;
}

}  // namespace interlock::runs
