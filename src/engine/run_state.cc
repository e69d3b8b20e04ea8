#include "engine/run_state.h"

#include <array>

#include "base/check.h"
#include "engine/call_records.h"

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
             to == TaskState::waiting || is_over(to);
    case TaskState::reviewing:
      return to == TaskState::committing || to == TaskState::waiting || to == TaskState::done ||
             to == TaskState::failed || to == TaskState::cancelled;
    case TaskState::committing: return to == TaskState::waiting || is_over(to);
    case TaskState::failed:
    case TaskState::skipped:
    case TaskState::cancelled: return to == TaskState::waiting;
    case TaskState::done: return to == TaskState::waiting || to == TaskState::skipped;
  }
  return false;
}

/// Applies one fact at one moment.
class Applier {
 public:
  Applier(RunState& run, Time at) : run_(run), at_(at) {}

  void operator()(const RunBegan& event) {
    if (!run_.began) run_.began = at_;
    run_.session_began = at_;
    run_.dispatcher = event.dispatcher;
    run_.process = event.process;
    run_.ended.reset();
    run_.digest.clear();
    run_.stopping.clear();
    run_.stop_causes.clear();
  }
  void operator()(const RunStopping& event) {
    run_.stopping = event.why;
    run_.stop_causes.insert(event.cause);
  }
  void operator()(const RunEnded& event) {
    if (run_.session_began) run_.active += at_ - *run_.session_began;
    run_.session_began.reset();
    run_.process.reset();
    run_.ended = event.how;
    run_.digest = event.digest;
  }

  void operator()(const GateReached& event) {
    if (!event.task) {
      if (!run_.review_open) ++run_.gates_open;
      run_.review_open = true;
      run_.review_since = at_;
      return;
    }
    TaskRecord& task = record(*event.task);
    if (!task.gate_since) ++run_.gates_open;
    task.gate_since = at_;
    if (event.kind == GateKind::before) {
      task.gate_before_reached = true;
    } else {
      move(*event.task, TaskState::reviewing);
    }
  }
  void operator()(const GateAnswered& event) {
    if (!event.task) {
      if (run_.review_open) --run_.gates_open;
      if (run_.review_since) run_.review_time += at_ - *run_.review_since;
      run_.review_open = false;
      run_.review_since.reset();
      if (event.approved) ++run_.reviews_approved;
      return;
    }
    TaskRecord& task = record(*event.task);
    close_gate(task);
    if (event.kind == GateKind::before && event.approved) task.gate_before_approved = true;
  }

  void operator()(const AttemptStarted& event) {
    TaskRecord& task = record(event.task);
    check(event.attempt == task.attempts.size() + 1, "attempts count up one by one");
    move(event.task, TaskState::running);
    AttemptRecord attempt;
    attempt.number = event.attempt;
    attempt.because = event.because;
    attempt.lane = event.lane;
    attempt.started = at_;
    attempt.started_seq = run_.seq + 1;
    attempt.changed = event.changed;
    attempt.waited = event.waited;
    attempt.isolation = event.isolation;
    attempt.snapshot_version = event.snapshot_version;
    attempt.speculative = event.speculative;
    attempt.from = event.from;
    task.attempts.push_back(std::move(attempt));
    for (MessageRecord& message : task.messages) {
      if (message.attempt == 0) message.attempt = event.attempt;
    }
    task.key = event.key;
    task.cache_key_parts = event.cache_key_parts;
    task.not_before.reset();
  }
  void operator()(const AttemptsBatched& event) {
    latest(event.task, event.attempt).others = event.others;
    for (const TaskId other : event.others) {
      const TaskRecord& task = record(other);
      check(task.state == TaskState::running && other != event.task, "what is batched runs");
      record(other).attempts.back().batched_with = event.task;
    }
  }
  void operator()(const ProcessSpawned& event) {
    latest(event.task, event.attempt).process = event.process;
  }
  void operator()(const AttemptEnded& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    check(!attempt.ended, "an attempt ends once");
    attempt.ended = at_;
    attempt.call_waits_on.clear();
    attempt.call_waits_until.reset();
    attempt.outcome = event.outcome;
    attempt.exit_code = event.exit_code;
    attempt.signal = event.signal;
    attempt.detail = event.detail;
    attempt.strays = event.strays;
    attempt.unproven = event.unproven;
    attempt.output = event.output;
    attempt.elapsed = event.elapsed;
    attempt.cpu_time = event.cpu_time;
    attempt.memory_peak_bytes = event.memory_peak_bytes;
    attempt.usage = event.usage;
    attempt.changes = event.changes;
    attempt.reads = event.reads;
    attempt.writes = event.writes;
    attempt.remarks = event.remarks;
    attempt.denied_reads = event.denied_reads;
    attempt.denied_writes = event.denied_writes;
    attempt.reads_from = event.reads_from;
    attempt.usage_from = event.usage_from;
    if (attempt.calls + attempt.calls_refused == 0) attempt.known = event.usage;
    // Only first attempts are shared.
    if (attempt.batched_with)
      take_part_away(record(*attempt.batched_with).attempts.front().known, event.usage);
    attempt.spawn_tokens = event.spawn_tokens;
    attempt.return_tokens = event.return_tokens;
    if (event.outcome == Outcome::conflicted) ++record(event.task).conflicts;
    if (event.broke_dispatcher) ++record(event.task).broke_dispatcher;
  }
  void operator()(const SessionBegan& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    attempt.session = event.session;
    attempt.model = event.model;
    attempt.version = event.version;
    // A session in which others' work was done as well is taken up by none of them.
    if (!event.session.empty() && !attempt.is_batched()) record(event.task).session = event.session;
  }
  void operator()(const CallWaiting& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    attempt.call_waits_on = event.on;
    attempt.call_waits_until = event.until;
  }
  void operator()(const ModelCalled& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    const ModelCall& call = event.call;
    attempt.calls_again += call.retries;
    attempt.waited_quota += call.waited_quota;
    attempt.waited_lead += call.waited_lead;
    ++(call.end == CallEnd::answered ? attempt.calls : attempt.calls_refused);
    note_verdict(attempt, call);
    if (call.spent_for) run_.quota_resets = std::max(run_.quota_resets, {at_ + *call.spent_for});
    attempt.parked |= call.parked;
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
  void operator()(const ChangesReady& event) {
    latest(event.task, event.attempt);
    close_gate(record(event.task));
    move(event.task, TaskState::committing);
  }
  void operator()(const ChangesMerged& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    attempt.changes = event.changes;
    attempt.merged = event.files;
    attempt.merged_on = event.snapshot_version;
  }
  void operator()(const ChangesCommitted& event) {
    AttemptRecord& attempt = latest(event.task, event.attempt);
    attempt.remarks.insert(attempt.remarks.end(), event.remarks.begin(), event.remarks.end());
    run_.commits.push_back({event.task, event.attempt, event.changes});
  }
  void operator()(const CommitRefused& event) {
    latest(event.task, event.attempt).refused = event;
    ++record(event.task).conflicts;
  }
  void operator()(const ChangesCheckpointed& event) {
    check(event.commits >= run_.checkpointed && event.commits <= run_.commits.size(),
          "what is folded was committed");
    run_.checkpointed = event.commits;
    run_.checkpoint_refused.clear();
  }
  void operator()(const ChangesLost& event) {
    check(event.commits >= run_.checkpointed && event.commits <= run_.commits.size(),
          "what is in the workspace is not lost");
    run_.commits.resize(event.commits, CommitRecord{TaskId(0), 1, {}});
    for (const TaskId id : event.tasks) {
      move(id, TaskState::waiting);
      TaskRecord& task = record(id);
      task.next = AttemptStarted::Trigger::again;
      task.gate_since.reset();
      task.output.reset();
      task.correction.clear();
      task.attempts.back().remarks.push_back(event.detail);
    }
  }
  void operator()(const CheckpointRefused& event) { run_.checkpoint_refused = event.paths; }
  void operator()(const RetryPlanned& event) {
    move(event.task, TaskState::waiting);
    TaskRecord& task = record(event.task);
    task.next = event.because;
    task.not_before = event.not_before;
    task.correction = event.correction;
    if (event.because == AttemptStarted::Trigger::correction) ++task.corrections_used;
    if (event.because == AttemptStarted::Trigger::retry && event.charged) ++task.retries_used;
  }

  void operator()(const TaskDone& event) {
    TaskRecord& task = record(event.task);
    move(event.task, TaskState::done);
    task.output = event.output;
    task.wrote = event.wrote;
    task.from_run = event.from_run;
    task.detail.clear();
  }
  void operator()(const TaskFailed& event) {
    move(event.task, TaskState::failed);
    record(event.task).failure = event.outcome;
    record(event.task).detail = event.detail;
  }
  void operator()(const TaskSkipped& event) {
    move(event.task, TaskState::skipped);
    record(event.task).because = event.because;
    record(event.task).unneeded = event.unneeded;
  }
  void operator()(const TaskCancelled& event) {
    move(event.task, TaskState::cancelled);
    record(event.task).detail = event.by;
  }
  void operator()(const TaskRevived& event) {
    move(event.task, TaskState::waiting);
    TaskRecord& task = record(event.task);
    task.failure.reset();
    task.because.reset();
    task.unneeded.clear();
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
        task.attempts.empty() ? AttemptStarted::Trigger::first : AttemptStarted::Trigger::again;
  }

  void operator()(const TasksAdded& event) { run_.tasks.resize(run_.tasks.size() + event.count); }
  void operator()(const TasksRefused&) {}
  void operator()(const FamilyExpanded& event) {
    run_.expanded.insert_or_assign(event.task, event.count);
  }
  void operator()(const AdditionsClosed&) { run_.additions_closed = true; }
  void operator()(const RunHeld& event) {
    run_.held = true;
    run_.calls_held = event.calls;
  }
  void operator()(const RunReleased&) { run_.held = run_.calls_held = false; }
  void operator()(const RunRetuned& event) {
    if (event.parallel) run_.retuned.parallel = event.parallel;
    if (event.tokens) run_.retuned.tokens = event.tokens;
    if (event.usd) run_.retuned.usd = event.usd;
    if (event.waits_for_quota) run_.retuned.waits_for_quota = event.waits_for_quota;
    run_.retuned.by = event.by;
  }

  void operator()(const TryEnded& event) {
    TaskRecord& task = record(event.task);
    if (!event.good) return drop(event.task, event.detail);
    AttemptRecord& attempt = latest(event.task, event.attempt);
    attempt.diff = event.diff;
    move(event.task, TaskState::done);
    task.output = attempt.output;
    task.detail.clear();
  }
  void operator()(const TryPicked& event) {
    check(record(event.picked).state == TaskState::done, "what is picked was good");
    check(!record(event.task).picked, "a try is picked once");
    record(event.task).picked = event.picked;
    record(event.task).picked_because = event.why;
  }
  void operator()(const TryDropped& event) { drop(event.task, event.why); }
  void operator()(const BoardPosted& event) {
    run_.posts.push_back(
        {run_.seq + 1, at_, event.topic, event.task, event.attempt, event.by, event.text});
  }
  void operator()(const BoardRead& event) { note_read(latest(event.task, event.attempt), event); }
  void operator()(const MessageSent& event) {
    record(event.task).messages.push_back({at_, event.text, event.by, 0});
  }
  void operator()(const TaskMoved& event) {
    run_.moves.push_back({event.task, event.place, event.other, event.by});
  }
  void operator()(const RequestRefused&) {}

  void operator()(const MergeMade& event) {
    check(event.merge < run_.merges.size(), "a merge of the plan");
    run_.merges[event.merge] = {event.output, {}};
  }
  void operator()(const MergeFailed& event) {
    check(event.merge < run_.merges.size(), "a merge of the plan");
    run_.merges[event.merge] = {std::nullopt, event.detail};
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

  /// A try that does not count. Nothing has failed by that.
  void drop(TaskId id, const std::string& why) {
    move(id, TaskState::skipped);
    record(id).because.reset();
    record(id).unneeded = why;
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

AttemptName snapshot_of(const RunState& run, TaskId task, std::uint32_t attempt) {
  for (const AttemptRecord& one : run[task].attempts) {
    if (one.number == attempt && one.from)
      return {*one.from, run[*one.from].attempts.back().number, 0};
  }
  return {task, attempt, 0};
}

void apply(RunState& run, const RecordedEvent& recorded) {
  check(recorded.seq == run.seq + 1, "events come one after the other");
  // Before a dispatcher began there was none, or it was dead: that time is nobody's.
  const bool in_session = run.session_began && !std::holds_alternative<RunBegan>(recorded.event);
  if (in_session && run.last && run.gates_open > 0 && run.running_count == 0)
    run.stood_at_gates += recorded.at - *run.last;
  std::visit(Applier(run, recorded.at), recorded.event);
  run.seq = recorded.seq;
  run.last = recorded.at;
}

}  // namespace interlock::engine
