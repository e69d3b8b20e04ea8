#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/adapter.h"
#include "engine/event_batch.h"
#include "engine/judge.h"
#include "engine/ports.h"
#include "engine/prepare.h"
#include "engine/run_state.h"
#include "engine/scheduler_changes.h"
#include "engine/setup.h"
#include "engine/status.h"
#include "engine/trace.h"
#include "engine/view_of.h"
#include "engine/waiting_changes.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"
#include "schedule/scheduler.h"

namespace interlock::engine {

/// Dispatches one run. One turn: what came in -> events -> applied -> the scheduler says what
/// starts
/// -> all of it durable in one transaction -> the ports act -> what they report comes in at the
/// next turn.
///
/// - Nothing acts on an event, or is told of it, before it is durable.
/// - An attempt that was journaled as started and of which nothing more is known is ended, proven
/// gone, and done again.
/// - Time stands still within a turn.
/// - Changes made in snapshots are committed in plan order, or ahead of tasks they commute with.
class Engine {
 public:
  /// `before` is empty or what the journal held. Plan, interlocking and ports must outlive the
  /// engine.
  Engine(const plan::Plan& plan, const footprint::Interlocking& interlocking, Setup setup,
         Replay before, Ports ports);

  /// Takes the run: ends what a dead dispatcher left behind, and starts the first tasks.
  Result<void> begin();
  /// Waits for something to happen, at most until `deadline`, and deals with it. To be called until
  /// `over`. After an error the run is to be left as it is; `resume` goes on from the journal.
  Result<void> turn(std::optional<Time> deadline);
  bool over() const { return run().ended.has_value(); }

  const RunState& run() const { return batch_.run(); }
  const schedule::Scheduler& scheduler() const { return batch_.scheduler(); }
  const Commits& commits() const { return batch_.commits(); }
  RunStatus view() const;
  std::vector<Notice> take_notices();

 private:
  /// An attempt that is journaled as started and has not ended.
  struct Live {
    AttemptName name;
    Time started{};  ///< Of the attempt; the wall clock counts from here.
    std::optional<Outcome> stopped_for;
    std::string output;  ///< Of the work, while the check runs.
    bool has_output = false;
    Exited exited;                              ///< Of the work, likewise.
    std::optional<Snapshots::Harvest> harvest;  ///< Of the work, with a snapshot.
    bool read_repository = false;               ///< Likewise: it opened something of a `.git`.
    std::vector<std::string> remarks, denied_reads, denied_writes;
    std::string stale;  ///< Why it was stopped as conflicted.
    // Of an agent whose stream is read.
    const agents::Adapter* adapter = nullptr;
    std::unique_ptr<agents::Reader> reader;  ///< Until its work is over.
    agents::Transcript transcript;
    std::string doing;  ///< What it told last, in words for people.
    bool reported_session = false;
    bool released = false;         ///< Ended after its final answer, because it stayed.
    bool resumed = false;          ///< It took up an earlier session.
    bool session_is_gone = false;  ///< That session was not there.
    bool has_route = false;        ///< Of the gateway, open now.
    bool through_gateway = false;
    bool waits_at_limit = false;  ///< Of the run, in the gateway: its clocks stand still.
    Time waited_at_limit_until{};
    std::string stop_detail;  ///< Why it was stopped, beyond `stopped_for`.
    // While it cannot be started for want of descriptors, processes or memory.
    std::optional<Time> start_again;
    int starts_tried = 0;
    std::string short_of;
    // Of several tasks in one attempt: while it works, all in one; then each by itself.
    std::vector<TaskId> others;      ///< Whose work it does too.
    std::set<TaskId> cancelled;      ///< Of all of them: their part is not wanted any more.
    std::optional<TaskId> batch;     ///< Once apart: the task whose attempt it was.
    std::optional<Duration> worked;  ///< Likewise, its part of that time.
    std::optional<Usage> used;       ///< Likewise, of what was used.
    std::string used_from;
    bool waits_for_check = false;     ///< Its check runs after those of others.
    std::optional<Judgement> judged;  ///< Over, but for its slot, which others' checks still use.

    /// Its time runs out. Not while it is being stopped, put off, held at the run's limit, or over
    /// but for the checks of others in its batch.
    bool is_timed() const {
      return !stopped_for && !start_again && !waits_at_limit && !waits_for_check && !judged;
    }
  };
  /// What is to be done once the events of the turn are durable.
  struct Act {
    enum class Kind : unsigned char { spawn, stop, discard };
    Kind kind = Kind::spawn;
    AttemptName name;
    Duration grace{};
  };

  // engine.cc: the turn.
  Result<void> close_turn();
  void take(Report report);
  void watch_clocks();
  void choose_starts();
  void start(TaskId task);
  void await_signal();
  bool reuse(TaskId task, const std::vector<CacheKeyPart>& cache_key_parts, const Digest& key,
             std::string& difference);
  Result<std::string> difference_from(const Trace& trace);
  bool may_be_changed_before(TaskId task, const Trace& trace) const;
  bool may_be_changed_before(TaskId task) const;
  void act();
  void finish_if_idle();
  std::string stuck() const;
  std::optional<Time> next_wake() const;

  // endings.cc: what came of attempts.
  void on_exited(const Exited& exited);
  void on_refused(Live live, const Error& error);
  bool defer_start(Live& live, const Error& error);
  void start_deferred(bool something_ended);
  void defer(Live live, std::string why);
  void on_work_over(Live& live, const Exited& exited);
  void conclude(Live live, Judgement judgement);
  void succeed(const Live& live);
  void settle_work(TaskId task);
  /// What tells whether its result is the same next time, beside its parts of the cache key.
  struct Evidence {
    std::optional<Digest> trace;
    std::optional<CacheKeyPart> against;  ///< None is: see `incomparable`.
  };
  void set_done(TaskId task, std::optional<Digest> wrote = {}, Evidence evidence = {});
  std::optional<Trace> trace_of(const WaitingChanges& waiting, const WaitingNotes& notes);
  Evidence evidence_of(const WaitingChanges& waiting, const WaitingNotes& notes,
                       std::optional<Trace> trace);
  void after_failure(TaskId task, const Judgement& judgement);
  void requeue(TaskId task);
  void fail_for_good(TaskId task, Outcome outcome, const std::string& detail);
  void stop(Live& live, Outcome why);
  void skip_unreachable();

  // batches.cc: several tasks in one attempt.
  std::vector<TaskId> mates_of(TaskId task);
  AttemptStarted started_event(TaskId task, std::vector<CacheKeyPart> cache_key_parts,
                               const Digest& key, const std::string& difference,
                               std::uint32_t lane);
  void share_attempt(Live& live, std::vector<TaskId> mates);
  void on_batch_over(Live live, const Exited& exited);
  void break_up(Live whole, const Judgement& judgement,
                std::vector<std::optional<std::string>> answers);
  void check_next_part(TaskId first);
  void after_failed_part(TaskId task, const Judgement& judgement);
  bool cancel_part(TaskId task);
  Duration timeout_of(const Live& live) const;
  footprint::Footprint footprint_of(const Live& live) const;
  std::vector<const plan::Task*> tasks_of(const Live& live) const;
  void close_snapshots_of_batches();

  // telling.cc: what agents tell.
  void open_reader(Live& live) const;
  void on_printed(Printed printed);
  void on_events(Live& live, std::vector<agents::Event> events);
  void watch_lingering(Live& live);
  Time lingers_until(const Live& live) const;
  Time last_sign_of(const Live& live) const;
  Judgement judge_agent(Live& live, const Exited& exited, Judgement judgement);
  std::string take_answer(Live& live, bool json) const;
  bool can_resume(TaskId task) const;

  // calls.cc: model calls and budgets.
  void set_gateway_budget();
  void take_calls();
  void note_waiting_calls(std::vector<Gateway::Waiting> all);
  void note_calls(std::vector<ModelCall> calls);
  void return_to_limit(Live& live, Outcome why, const std::string& detail);
  std::string say_parked(TaskId task) const;
  void reach_limit(const std::string& why);
  void check_limits();
  void close_route(Live& live);
  void note_usage(const Live& live, AttemptEnded& event) const;
  void note_tax(AttemptEnded& event, const AttemptRecord& attempt) const;

  // taking.cc: what attempts changed.
  bool has_snapshot(TaskId task) const;
  Judgement take_changes(Live& live, Judgement judgement);
  void note_denied(Live& live, const Observed& observed) const;
  static bool writes_for_itself(const Live& live, std::string_view path);
  std::vector<std::string> left_beside(TaskId id, const Observed& observed) const;
  Judgement judge_denied(const Live& live) const;
  Result<std::string> output_file_of(const Live& live);
  void note_changes(Live& live, AttemptEnded& event);
  void keep_harvest(Snapshots::Harvest harvest, AttemptEnded& event);
  void close_snapshot(AttemptName name);

  // commits.cc: when changes are committed, and how they come into the workspace.
  Result<void> recover_snapshots();
  Result<std::vector<AttemptName>> recover_kept();
  void give_up_lost(const std::vector<AttemptName>& lost);
  void wait_for_turn(TaskId task);
  void commit_what_may();
  bool may_commit(const WaitingChanges& waiting);
  void try_to_commit(const WaitingChanges& waiting);
  Conflict conflict_of(const WaitingChanges& waiting) const;
  void commit(const WaitingChanges& waiting, std::optional<Trace> trace);
  void stop_stale();
  void checkpoint();
  void note_checkpoint();
  bool checkpoint_is_in_the_way() const {
    return checkpointed_ && (!*checkpointed_ || !(*checkpointed_)->empty());
  }

  // conflicts.cc: what follows when others changed what an attempt saw.
  std::vector<changes::Stale> stale_in(const WaitingChanges& waiting) const;
  void refuse(const WaitingChanges& waiting, const Conflict& conflict);
  bool merge_texts(const WaitingChanges& waiting, const Conflict& conflict);
  void check_merged(const WaitingChanges& waiting);
  void on_merged_checked(Live live, const Judgement& judgement);
  void do_again(TaskId task, const Conflict& conflict);
  std::string describe_changes(const WaitingChanges& waiting, const Conflict& conflict);
  void drop_changes(TaskId task);

  // requests.cc: what people ask.
  void take_requests();
  void answer(const Request& request);
  void answer_gate(const Request& request, bool approved);
  void answer_review(const Request& request, bool approved);
  void cancel_task(TaskId task, const std::string& by);
  void cancel_run(const std::string& by);
  void revive(TaskId task);
  void interrupt();

  // recover.cc and finish.cc: taking up a run, and letting go of it.
  Result<void> end_leftovers();
  Result<void> end_merged_check(TaskId task, const AttemptRecord& attempt);
  void make_merges_with(TaskId task);
  void make_merge(std::uint32_t merge);
  void name_missing_merges();
  void finish(RunEnded::How how);

  /// A signal, not a person's word on its tasks, ends what runs: it is done when the run goes on.
  bool is_letting_go() const {
    return run().is_stopped_for(RunStopping::Cause::interrupted) &&
           !run().is_stopped_for(RunStopping::Cause::cancelled);
  }
  TaskId task_of(const Live& live) const { return live.name.task; }
  /// Of the jitter of its next back-off: another one for each attempt.
  std::string seed_of(TaskId task) const;
  const plan::Task& task(TaskId id) const { return plan_[id]; }
  const TaskRecord& record(TaskId id) const { return run()[id]; }
  Time now() const { return batch_.now(); }

  const plan::Plan& plan_;
  const footprint::Interlocking& interlocking_;
  Setup setup_;
  Ports ports_;
  EventBatch batch_;

  std::map<TaskId, Live> live_;
  std::map<TaskId, WaitingNotes> notes_;   ///< Of those in `commits().waiting()`.
  std::uint32_t commits_reported_ = 0;     ///< Running attempts were held against so many.
  std::set<AttemptName> snapshots_;        ///< Open now.
  std::set<AttemptName> batch_snapshots_;  ///< Over; what tasks read is held against them.
  std::optional<Result<std::vector<std::string>>> checkpointed_;  ///< Done, and not yet an event.
  std::uint32_t checkpointed_count_ = 0;  ///< Commits in the workspace then.
  std::vector<Act> acts_;
  std::vector<std::pair<AttemptName, Error>>
      refused_;                             ///< Spawns that failed; dealt with in the next turn.
  std::map<TaskId, std::size_t> batch_of_;  ///< Of `setup_.batches`.
  std::vector<std::vector<std::uint32_t>> merges_of_;  ///< By task.
  std::vector<AttemptName> deferred_;                  ///< Not begun; dealt with in the next turn.
  std::optional<Error> broken_;  ///< A port failed in a way that ends the dispatcher.
  std::uint32_t interrupts_ = 0;
  bool signal_waits_ = false;  ///< It broke something off, and is a report of the next turn.
};

}  // namespace interlock::engine
