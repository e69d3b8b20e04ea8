#include "engine/run_state.h"

#include <array>

#include "base/check.h"

namespace interlock::engine {

namespace {

constexpr std::array<std::string_view, 8> kStates = {
    "waiting", "running", "reviewing", "committing", "done", "failed", "skipped", "cancelled"};

bool is_over(TaskState state) {
  return state == TaskState::done || state == TaskState::failed || state == TaskState::skipped ||
         state == TaskState::cancelled;
}

/// Whether the drawing at TaskState has this arrow.
bool may_move(TaskState from, TaskState to) {
  switch (from) {
    case TaskState::waiting: return to == TaskState::running || is_over(to);
    case TaskState::running:
      return to == TaskState::reviewing || to == TaskState::committing ||
             to == TaskState::waiting || to == TaskState::done || to == TaskState::failed ||
             to == TaskState::cancelled;
    case TaskState::reviewing:
      return to == TaskState::committing || to == TaskState::waiting || to == TaskState::done ||
             to == TaskState::failed || to == TaskState::cancelled;
    case TaskState::committing:
      return to == TaskState::done || to == TaskState::waiting || to == TaskState::failed ||
             to == TaskState::cancelled;
    case TaskState::failed:
    case TaskState::skipped:
    case TaskState::cancelled: return to == TaskState::waiting;
    case TaskState::done: return to == TaskState::waiting;
  }
  return false;
}

/// Calls end in any order; the one that came in last is the last.
void note_verdict(AttemptRecord& attempt, const ModelCall& call) {
  const CallVerdict verdict{call.number, failure_of(call), call.detail};
  if (call.number >= attempt.last_call.number) attempt.last_call = verdict;
  if (call.offers_tools && call.number >= attempt.last_with_tools.number)
    attempt.last_with_tools = verdict;
}

/// What another task was booked of it is no longer its own.
void take_part_away(Usage& known, const Usage& part) {
  const auto take = [](std::optional<std::int64_t>& all, const std::optional<std::int64_t>& of) {
    if (all && of) *all -= *of;
  };
  take(known.input, part.input);
  take(known.output, part.output);
  take(known.cache_read, part.cache_read);
  take(known.cache_write, part.cache_write);
  take(known.cost, part.cost);
}

/// Applies one fact at one moment.
class Applier {
 public:
  Applier(RunState& run, Time at) : run_(run), at_(at) {}

  void operator()(const RunBegan& fact) {
    if (!run_.began) run_.began = at_;
    run_.spell_began = at_;
    run_.dispatcher = fact.dispatcher;
    run_.process = fact.process;
    run_.ended.reset();
    run_.digest.clear();
    run_.stopping.clear();
  }
  void operator()(const RunStopping& fact) { run_.stopping = fact.why; }
  void operator()(const RunEnded& fact) {
    if (run_.spell_began) run_.active += at_ - *run_.spell_began;
    run_.spell_began.reset();
    run_.process.reset();
    run_.ended = fact.how;
    run_.digest = fact.digest;
  }

  void operator()(const GateReached& fact) {
    if (!fact.task) {
      if (!run_.review_open) ++run_.gates_open;
      run_.review_open = true;
      run_.review_since = at_;
      return;
    }
    TaskRecord& task = record(*fact.task);
    if (!task.gate_since) ++run_.gates_open;
    task.gate_since = at_;
    if (fact.kind == GateKind::before) {
      task.gate_before_reached = true;
    } else {
      move(*fact.task, TaskState::reviewing);
    }
  }
  void operator()(const GateAnswered& fact) {
    if (!fact.task) {
      if (run_.review_open) --run_.gates_open;
      if (run_.review_since) run_.review_time += at_ - *run_.review_since;
      run_.review_open = false;
      run_.review_since.reset();
      if (fact.approved) ++run_.reviews_approved;
      return;
    }
    TaskRecord& task = record(*fact.task);
    close_gate(task);
    if (fact.kind == GateKind::before && fact.approved) task.gate_before_approved = true;
  }

  void operator()(const AttemptStarted& fact) {
    TaskRecord& task = record(fact.task);
    check(fact.attempt == task.attempts.size() + 1, "attempts count up one by one");
    move(fact.task, TaskState::running);
    AttemptRecord attempt;
    attempt.number = fact.attempt;
    attempt.because = fact.because;
    attempt.lane = fact.lane;
    attempt.started = at_;
    attempt.changed = fact.changed;
    attempt.waited = fact.waited;
    attempt.isolation = fact.isolation;
    attempt.seen = fact.seen;
    attempt.speculative = fact.speculative;
    task.attempts.push_back(std::move(attempt));
    task.key = fact.key;
    task.ingredients = fact.ingredients;
    task.not_before.reset();
  }
  void operator()(const AttemptsBatched& fact) {
    latest(fact.task, fact.attempt).others = fact.others;
    for (const TaskId other : fact.others) {
      const TaskRecord& task = record(other);
      check(task.state == TaskState::running && other != fact.task, "what is batched runs");
      record(other).attempts.back().batched_with = fact.task;
    }
  }
  void operator()(const ProcessSpawned& fact) {
    latest(fact.task, fact.attempt).process = fact.process;
  }
  void operator()(const AttemptEnded& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    check(!attempt.ended, "an attempt ends once");
    attempt.ended = at_;
    attempt.call_waits_on.clear();
    attempt.call_waits_until.reset();
    attempt.outcome = fact.outcome;
    attempt.exit_code = fact.exit_code;
    attempt.signal = fact.signal;
    attempt.detail = fact.detail;
    attempt.strays = fact.strays;
    attempt.unproven = fact.unproven;
    attempt.output = fact.output;
    attempt.elapsed = fact.elapsed;
    attempt.usage = fact.usage;
    attempt.changes = fact.changes;
    attempt.reads = fact.reads;
    attempt.writes = fact.writes;
    attempt.remarks = fact.remarks;
    attempt.denied_reads = fact.denied_reads;
    attempt.denied_writes = fact.denied_writes;
    attempt.reads_from = fact.reads_from;
    attempt.usage_from = fact.usage_from;
    if (attempt.calls + attempt.calls_refused == 0) attempt.known = fact.usage;
    // Only first attempts are shared.
    if (attempt.batched_with)
      take_part_away(record(*attempt.batched_with).attempts.front().known, fact.usage);
    attempt.spawn_tokens = fact.spawn_tokens;
    attempt.return_tokens = fact.return_tokens;
    if (fact.outcome == Outcome::conflicted) ++record(fact.task).conflicts;
    if (fact.broke_dispatcher) ++record(fact.task).broke_dispatcher;
  }
  void operator()(const SessionBegan& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    attempt.session = fact.session;
    attempt.model = fact.model;
    attempt.version = fact.version;
    // A session in which others' work was done as well is taken up by none of them.
    if (!fact.session.empty() && !attempt.is_batched()) record(fact.task).session = fact.session;
  }
  void operator()(const CallWaiting& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    attempt.call_waits_on = fact.on;
    attempt.call_waits_until = fact.until;
  }
  void operator()(const ModelCalled& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    const ModelCall& call = fact.call;
    attempt.calls_again += call.retries;
    attempt.waited_quota += call.waited_quota;
    attempt.waited_lead += call.waited_lead;
    ++(call.end == CallEnd::answered ? attempt.calls : attempt.calls_refused);
    note_verdict(attempt, call);
    if (call.replayed) {
      ++attempt.calls_replayed;
      attempt.known = at_least(attempt.known, no_usage());
      return;
    }
    attempt.called = attempt.called + call.usage;
    attempt.known = at_least(attempt.known, call.usage);
    if (!call.saved) attempt.saved.reset();
    if (attempt.saved) *attempt.saved += *call.saved;
    if (call.end != CallEnd::answered) return;
    const Usage& used = call.usage;
    if (attempt.calls == 1 && used.input && used.cache_read && used.cache_write) {
      attempt.first_input = *used.input + *used.cache_read + *used.cache_write;
      attempt.first_bytes = call.bytes;
    }
    attempt.last_output = used.output;
  }
  void operator()(const ChangesReady& fact) {
    latest(fact.task, fact.attempt);
    close_gate(record(fact.task));
    move(fact.task, TaskState::committing);
  }
  void operator()(const ChangesMerged& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    attempt.changes = fact.changes;
    attempt.merged = fact.files;
    attempt.merged_on = fact.seen;
  }
  void operator()(const ChangesCommitted& fact) {
    AttemptRecord& attempt = latest(fact.task, fact.attempt);
    attempt.remarks.insert(attempt.remarks.end(), fact.remarks.begin(), fact.remarks.end());
    run_.commits.push_back({fact.task, fact.attempt, fact.changes});
  }
  void operator()(const CommitRefused& fact) {
    latest(fact.task, fact.attempt).refused = fact;
    ++record(fact.task).conflicts;
  }
  void operator()(const ChangesFolded& fact) {
    check(fact.commits >= run_.folded && fact.commits <= run_.commits.size(),
          "what is folded was committed");
    run_.folded = fact.commits;
    run_.fold_refused.clear();
  }
  void operator()(const ChangesLost& fact) {
    check(fact.commits >= run_.folded && fact.commits <= run_.commits.size(),
          "what is in the workspace is not lost");
    run_.commits.resize(fact.commits, CommitRecord{TaskId(0), 1, {}});
    for (const TaskId id : fact.tasks) {
      move(id, TaskState::waiting);
      TaskRecord& task = record(id);
      task.next = AttemptStarted::Because::again;
      task.gate_since.reset();
      task.output.reset();
      task.correction.clear();
      task.attempts.back().remarks.push_back(fact.detail);
    }
  }
  void operator()(const FoldRefused& fact) { run_.fold_refused = fact.paths; }
  void operator()(const RetryPlanned& fact) {
    move(fact.task, TaskState::waiting);
    TaskRecord& task = record(fact.task);
    task.next = fact.because;
    task.not_before = fact.not_before;
    task.correction = fact.correction;
    if (fact.because == AttemptStarted::Because::correction) ++task.corrections_used;
    if (fact.because == AttemptStarted::Because::retry && fact.charged) ++task.retries_used;
  }

  void operator()(const TaskDone& fact) {
    TaskRecord& task = record(fact.task);
    move(fact.task, TaskState::done);
    task.output = fact.output;
    task.wrote = fact.wrote;
    task.from_run = fact.from_run;
    task.detail.clear();
  }
  void operator()(const TaskFailed& fact) {
    move(fact.task, TaskState::failed);
    record(fact.task).failure = fact.outcome;
    record(fact.task).detail = fact.detail;
  }
  void operator()(const TaskSkipped& fact) {
    move(fact.task, TaskState::skipped);
    record(fact.task).because = fact.because;
  }
  void operator()(const TaskCancelled& fact) {
    move(fact.task, TaskState::cancelled);
    record(fact.task).detail = fact.by;
  }
  void operator()(const TaskRevived& fact) {
    move(fact.task, TaskState::waiting);
    TaskRecord& task = record(fact.task);
    task.failure.reset();
    task.because.reset();
    task.detail.clear();
    task.correction.clear();
    task.session.clear();
    task.not_before.reset();
    task.retries_used = 0;
    task.corrections_used = 0;
    task.conflicts = 0;
    task.broke_dispatcher = 0;
    task.revived = true;
    task.gate_before_reached = false;
    task.next =
        task.attempts.empty() ? AttemptStarted::Because::first : AttemptStarted::Because::again;
  }

  void operator()(const MergeMade& fact) {
    check(fact.merge < run_.merges.size(), "a merge of the plan");
    run_.merges[fact.merge] = {fact.output, {}};
  }
  void operator()(const MergeFailed& fact) {
    check(fact.merge < run_.merges.size(), "a merge of the plan");
    run_.merges[fact.merge] = {std::nullopt, fact.detail};
  }

 private:
  TaskRecord& record(TaskId task) {
    check(task.index() < run_.tasks.size(), "a task of the plan");
    return run_.tasks[task.index()];
  }

  AttemptRecord& latest(TaskId id, std::uint32_t attempt) {
    TaskRecord& task = record(id);
    check(!task.attempts.empty() && task.attempts.back().number == attempt,
          "the latest attempt reports");
    return task.attempts.back();
  }

  void close_gate(TaskRecord& task) {
    if (!task.gate_since) return;
    --run_.gates_open;
    task.gate_time += at_ - *task.gate_since;
    task.gate_since.reset();
  }

  void move(TaskId id, TaskState to) {
    TaskRecord& task = record(id);
    check(may_move(task.state, to), "a task moves only as drawn");
    if (is_over(task.state)) --run_.finished_count;
    if (is_over(to)) ++run_.finished_count;
    task.settled = is_over(to) ? std::optional(at_) : std::nullopt;
    if (is_over(to)) close_gate(task);
    if (task.state == TaskState::running) --run_.running_count;
    if (to == TaskState::running) ++run_.running_count;
    task.state = to;
  }

  RunState& run_;
  Time at_;
};

}  // namespace

std::string_view name_of(TaskState state) { return kStates[static_cast<std::size_t>(state)]; }

RunState::RunState(const plan::Plan& plan) : tasks(plan.tasks.size()), merges(plan.merges.size()) {}

void apply(RunState& run, const Event& event) {
  check(event.seq == run.seq + 1, "events come one after the other");
  // Before a dispatcher began there was none, or it was dead: that time is nobody's.
  const bool in_spell = run.spell_began && !std::holds_alternative<RunBegan>(event.fact);
  if (in_spell && run.last && run.gates_open > 0 && run.running_count == 0)
    run.stood_at_gates += event.at - *run.last;
  std::visit(Applier(run, event.at), event.fact);
  run.seq = event.seq;
  run.last = event.at;
}

}  // namespace interlock::engine
