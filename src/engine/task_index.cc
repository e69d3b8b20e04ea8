#include "engine/task_index.h"

#include <type_traits>

namespace interlock::engine {
namespace {

/// Follows the drawing at `TaskState`, as `apply` does. Every function has its like there.
class StandingOf {
 public:
  explicit StandingOf(std::map<TaskId, StandingChange>& changes) : changes_(changes) {}

  void operator()(const GateReached& event) {
    if (!event.task) return;  // A review is of the whole run.
    changes_[*event.task].at_gate = true;
    if (event.kind == GateKind::after) changes_[*event.task].state = TaskState::reviewing;
  }
  void operator()(const GateAnswered& event) {
    if (event.task) changes_[*event.task].at_gate = false;
  }
  void operator()(const AttemptStarted& event) { move(event.task, TaskState::running); }
  void operator()(const ChangesReady& event) {
    move(event.task, TaskState::committing);
    changes_[event.task].at_gate = false;
  }
  // The one event that moves several tasks.
  void operator()(const ChangesLost& event) {
    for (const TaskId task : event.tasks)
      changes_[task] = {.state = TaskState::waiting, .at_gate = false};
  }
  void operator()(const RetryPlanned& event) { move(event.task, TaskState::waiting); }
  void operator()(const TaskRevived& event) { move(event.task, TaskState::waiting); }
  void operator()(const TaskDone& event) { end(event.task, TaskState::done); }
  void operator()(const TaskFailed& event) { end(event.task, TaskState::failed); }
  void operator()(const TaskSkipped& event) { end(event.task, TaskState::skipped); }
  void operator()(const TaskCancelled& event) { end(event.task, TaskState::cancelled); }
  // A try that is good is done until another is picked; one that is not counts for nothing.
  void operator()(const TryEnded& event) {
    end(event.task, event.good ? TaskState::done : TaskState::skipped);
  }
  void operator()(const TryDropped& event) { end(event.task, TaskState::skipped); }
  // All others: what an attempt is like, or costs, moves no task.
  template <typename Other>
  void operator()(const Other&) {}

 private:
  void move(TaskId task, TaskState to) { changes_[task].state = to; }
  /// Nobody is asked about it any more.
  void end(TaskId task, TaskState how) { changes_[task] = {.state = how, .at_gate = false}; }

  std::map<TaskId, StandingChange>& changes_;
};

/// The members of events that name tasks, each by the way it does.
class Renumbering {
 public:
  explicit Renumbering(const NumberAmong& among) : among_(among) {}

  bool put(TaskId& task) const {
    const auto number = among_(task);
    if (number) task = *number;
    return number.has_value();
  }
  bool put(std::optional<TaskId>& task) const {
    if (task) task = among_(*task);
    return true;
  }
  bool put(std::vector<TaskId>& tasks) const {
    std::vector<TaskId> known;
    for (const TaskId task : tasks) {
      if (const auto number = among_(task)) known.push_back(*number);
    }
    tasks = std::move(known);
    return true;
  }
  /// Another member of the same name: words, a number, why an attempt began.
  template <typename Other>
  bool put(Other&) const {
    return true;
  }

 private:
  const NumberAmong& among_;
};

}  // namespace

std::optional<std::int64_t> subject_of(const Event& event) {
  // It is put among all others, so who looks at any of them has to know.
  if (std::holds_alternative<TaskMoved>(event)) return kOfRun;
  if (const auto task = task_of(event)) return std::int64_t{task->index()};
  return std::visit(
      [](const auto& one) -> std::optional<std::int64_t> {
        using Kind = std::remove_cvref_t<decltype(one)>;
        // Few of these there are in a run, however many tasks it has: every look reads them all. So
        // additions, checkpoints and merges are not among them, of which there may be as many as
        // tasks.
        constexpr bool is_of_run =
            std::is_same_v<Kind, RunBegan> || std::is_same_v<Kind, RunStopping> ||
            std::is_same_v<Kind, RunEnded> || std::is_same_v<Kind, GateReached> ||
            std::is_same_v<Kind, GateAnswered> || std::is_same_v<Kind, ChangesLost> ||
            std::is_same_v<Kind, RunHeld> || std::is_same_v<Kind, RunReleased> ||
            std::is_same_v<Kind, RunRetuned>;
        return is_of_run ? std::optional(kOfRun) : std::nullopt;
      },
      event);
}

void add_standing_changes(std::map<TaskId, StandingChange>& changes, const Event& event) {
  std::visit(StandingOf(changes), event);
}

bool renumber(Event& event, const NumberAmong& among) {
  // An event of one task that is not there is of no use; of a gate without one, see `subject_of`.
  if (const auto task = task_of(event); task && !among(*task)) return false;
  const Renumbering put(among);
  return std::visit(
      [&](auto& one) {
        bool known = true;
        if constexpr (requires { one.task; }) known = put.put(one.task) && known;
        if constexpr (requires { one.tasks; }) known = put.put(one.tasks) && known;
        if constexpr (requires { one.others; }) known = put.put(one.others) && known;
        if constexpr (requires { one.by; }) known = put.put(one.by) && known;
        if constexpr (requires { one.because; }) known = put.put(one.because) && known;
        if constexpr (requires { one.with; }) known = put.put(one.with) && known;
        if constexpr (requires { one.from; }) known = put.put(one.from) && known;
        if constexpr (requires { one.picked; }) known = put.put(one.picked) && known;
        if constexpr (requires { one.other; }) known = put.put(one.other) && known;
        return known;
      },
      event);
}

}  // namespace interlock::engine
