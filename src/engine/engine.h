#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/adapter.h"
#include "engine/attempt.h"
#include "engine/conditions.h"
#include "engine/event_batch.h"
#include "engine/growth.h"
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
  const Budgets& budgets() const { return batch_.budgets(); }
  RunStatus view() const;
  std::vector<Notice> take_notices();

 private:
  /// What is to be done once the events of the turn are durable.
  struct Act {
    enum class Kind : unsigned char { spawn, stop, discard };
    Kind kind = Kind::spawn;
    AttemptName name;
    Duration grace{};
  };

  // engine.cc: the turn.
  Result<void> close_turn();
  void take_unbegun();
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
  void on_refused(Attempt live, const Error& error);
  bool defer_start(Attempt& live, const Error& error);
  void start_deferred(bool something_ended);
  void defer(Attempt live, std::string why);
  void on_work_over(Attempt& live, const Exited& exited);
  void conclude(Attempt live, Judgement judgement);
  void succeed(const Attempt& live);
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
  void stop(Attempt& live, Outcome why, const std::string& detail = {});
  void skip_unreachable();

  // conditions.cc: tasks that turn out not to be needed.
  void settle_conditions();
  bool skip_if_unneeded(TaskId task);
  // families.cc: tasks of a `foreach` over an output.
  void expand_families();
  std::optional<TaskId> first_waiting(const plan::Family& family) const;
  void expand_family(std::uint32_t family, TaskId place);
  bool has_item(TaskId task) const;

  // batches.cc: several tasks in one attempt.
  std::vector<TaskId> mates_of(TaskId task);
  AttemptStarted started_event(TaskId task, std::vector<CacheKeyPart> cache_key_parts,
                               const Digest& key, const std::string& difference,
                               std::uint32_t lane);
  void share_attempt(Attempt& live, std::vector<TaskId> mates);
  void on_batch_over(Attempt live, const Exited& exited);
  void break_up(Attempt whole, const Judgement& judgement,
                std::vector<std::optional<std::string>> answers);
  void check_next_part(TaskId first);
  void after_failed_part(TaskId task, const Judgement& judgement);
  bool cancel_part(TaskId task);
  Duration timeout_of(const Attempt& live) const;
  Attempt::Clocks clocks_of(const Attempt& live) const;
  footprint::Footprint footprint_of(const Attempt& live) const;
  std::vector<const plan::Task*> tasks_of(const Attempt& live) const;
  void close_snapshots_of_batches();

  // telling.cc: what agents tell.
  void open_reader(Attempt& live) const;
  void on_printed(Printed printed);
  void on_events(Attempt& live, std::vector<agents::Event> events);
  Judgement judge_agent(Attempt& live, const Exited& exited, Judgement judgement);
  std::string take_answer(Attempt& live, bool json) const;
  bool can_resume(TaskId task) const;

  // calls.cc: model calls and budgets.
  void set_gateway_budget();
  void take_calls();
  void note_waiting_calls(std::vector<Gateway::Waiting> all);
  void note_calls(std::vector<ModelCall> calls);
  void return_to_limit(Attempt& live, Outcome why, const std::string& detail);
  std::string say_parked(TaskId task) const;
  void reach_limit(const std::string& why);
  void check_limits();
  void close_route(Attempt& live);
  void note_usage(const Attempt& live, AttemptEnded& event) const;
  void note_tax(AttemptEnded& event, const AttemptRecord& attempt) const;

  // taking.cc: what attempts changed.
  bool has_snapshot(TaskId task) const;
  Judgement take_changes(Attempt& live, Judgement judgement);
  void note_denied(Attempt& live, const Observed& observed) const;
  static bool writes_for_itself(const Attempt& live, std::string_view path);
  std::vector<std::string> left_beside(TaskId id, const Observed& observed) const;
  Judgement judge_denied(const Attempt& live) const;
  Result<std::string> output_file_of(const Attempt& live);
  void note_changes(Attempt& live, AttemptEnded& event);
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
  /// Whether it is `resume` that brings in what was committed: a signal came, and that takes long.
  bool left_for_resume() const {
    return interrupts_ > 1 || (interrupts_ == 1 && checkpoint_broken_off_);
  }
  bool checkpoint_is_in_the_way() const {
    return checkpointed_ && (!*checkpointed_ || !(*checkpointed_)->empty());
  }

  // conflicts.cc: what follows when others changed what an attempt saw.
  std::vector<changes::Stale> stale_in(const WaitingChanges& waiting) const;
  void refuse(const WaitingChanges& waiting, const Conflict& conflict);
  bool merge_texts(const WaitingChanges& waiting, const Conflict& conflict);
  void check_merged(const WaitingChanges& waiting);
  void on_merged_checked(Attempt live, const Judgement& judgement);
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

  // growth.cc: tasks that are added, and what people change while it goes on.
  void add_tasks(const Request& request);
  bool stands() const;
  void hold(const Request& request);
  void release_hold(const std::string& by);
  void retune(const Request& request);

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
  Conditions conditions_;

  std::map<TaskId, Attempt> live_;
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
  bool checkpoint_broken_off_ = false;
  bool signal_waits_ = false;  ///< It broke something off, and is a report of the next turn.
};

}  // namespace interlock::engine
