#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schedule/problem.h"

namespace interlock::schedule {

struct Change;

/// How a task ended for good.
enum class End : unsigned char {
  succeeded,
  failed,
  skipped,
  cancelled,
  unneeded,  ///< It does not run, and whoever needs it may go on.
};
/// Whether those that need it may go on.
inline bool satisfies(End end) { return end == End::succeeded || end == End::unneeded; }

/// Why a task that waits is not started now.
struct WaitReason {
  enum class Why : unsigned char {
    needs,      ///< `task` has not succeeded yet.
    conflict,   ///< `task`, earlier in plan order, has not ended yet.
    exclusive,  ///< `task` runs alone, or this one does and `task` has not ended.
    slot,       ///< All attempts the policy allows are running.
    capacity,   ///< Too little of `resource` is free.
    reserved,   ///< What is free of `resource` is kept for `task`, which came first and needs more.
    quota,      ///< `resource` admits it at `until`, not before.
    gate,       ///< A person has to approve it (or, without `task`, the review that is due, or that
                ///< is ahead: as many are under way as may finish before it).
    backoff,    ///< It is tried again at `until`.
    order,      ///< In sequence: `task` goes first.
    held,       ///< A person paused the run.
    stopped,    ///< No more starts: too much failed, or the run is pausing.
  };

  Why why = Why::needs;
  std::optional<TaskId> task{};
  std::optional<ResourceId> resource{};
  std::optional<Time> until{};

  bool operator==(const WaitReason&) const = default;
};

/// How long a task waited for what: from the begin of the run, or the release of its last attempt,
/// to its latest start (or until now). The parts sum exactly to that time. `conflict` holds the
/// waits for tasks that run alone, `slot` those for capacities and order, `gate` also the time in
/// which a person held up the whole run.
struct Waited {
  Duration needs{}, conflict{}, quota{}, slot{}, gate{}, backoff{};

  bool operator==(const Waited&) const = default;
};

/// Where a person puts a task among those that wait.
enum class MovePlace : unsigned char { first, last, before, after };

/// Decides what starts, and says why the rest waits. A state machine over what has happened: no
/// clock, no search; one event costs O((links + log tasks)).
///
///     waiting -> ready -> running -> released -> ended
///        ^                              |
///        +----------- requeue ----------+
///
/// - Among ready tasks the highest priority goes first, ties in plan order; with `plan_order`, plan
/// order only.
/// - A task whose capacity or quota is short reserves it: later ones may overtake it only with what
/// it does not need,
///   so none that needs much starves.
/// - A task that waits always has a reason, and `reason_of` tells it.
/// - The same changes at the same moments make the same scheduler. What it remembers of having been
/// asked (whom it tried last, what it told already) follows from that and is no state of the run:
/// hence questions are const.
class Scheduler {
 public:
  /// `priorities`: higher first, one per job; empty: critical path (see priority.h).
  Scheduler(Problem problem, Policy policy, std::vector<std::int64_t> priorities, Time now);
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  /// Forgets all that happened: the run begins again at `now`.
  void restart(Time now);

  // What happened. Each is legal only in the state the drawing shows; a broken promise otherwise.

  /// One of the following.
  void apply(const Change& change);
  /// Another dispatcher goes on with the run. Nobody waited for anything meanwhile, rates are as at
  /// first, starts are not stopped, and no back-off stands beyond `longest`, whatever became of the
  /// clock.
  void resume(Time now, Time longest);
  /// The attempt is over, its process tree gone: its slot and capacities are free. What it drew
  /// from quotas is settled.
  void release(TaskId task, std::span<const Cost> actual, Time now);
  /// A released (or never started) task is over for good.
  void end(TaskId task, End end, Time now);
  /// A released task will be tried again, not before `not_before`; `in_turn`: and not before all
  /// that precede it in plan order have ended.
  void requeue(TaskId task, Time not_before, Time now, bool in_turn = false);
  /// The gate before a waiting task, or after a released one, was approved.
  void approve(TaskId task, Time now);
  /// One review that `gate_every` asked for was approved: one is due for every so many finished
  /// tasks.
  void approve_review(Time now);
  /// A quota said to wait (Retry-After): nothing is admitted before `until`.
  void raise_floor(ResourceId quota, Time until);
  /// No more starts (`true`), or starts again.
  void stop(bool stopped);
  /// A person paused the run (`true`), or lets it go on.
  void hold(bool held);
  /// From now on so many attempts may run at once; those that run go on.
  void set_parallel(std::uint32_t parallel);
  /// Of those that may start, `task` goes first from now on, last, before or right after `other`.
  /// Who waits for whom stays as it is. Costs what all of the plan does.
  void move(TaskId task, MovePlace place, std::optional<TaskId> other, Time now);
  /// Jobs that `add` is going to bring, and the links that lead to them, in their order.
  void announce(std::vector<Job> jobs, std::span<const Link> links);
  /// The plan grew by the next `count` of them: they come at its end, behind all that waits. Costs
  /// what is new.
  void add(std::uint32_t count, Time now);
  /// What some jobs from `first` on are, and who waits for whom, is known better now: nobody waits
  /// for more than before. Costs what all of the plan does.
  void refine(TaskId first, std::vector<Job> jobs, std::vector<Link> links, Time now);
  /// Lets a task that had failed, or was skipped or cancelled, be waiting again (`retry`); its
  /// successors wait for it again.
  void revive(TaskId task, Time now);
  /// Lets a released task, or one that has ended in any way, be waiting again: what came of it is
  /// lost.
  void undo(TaskId task, Time now);
  /// A waiting task runs, whether it was chosen or not: it has its slot and what it asks for.
  void start(TaskId task, Time now);
  /// It runs from here on in the attempt of `with`, in its lane: it takes no slot and nothing of
  /// any resource. Only where `may_share` said so. Released, it is a task like any other.
  void share(TaskId task, TaskId with, Time now);

  // What follows.

  /// The task to start now, the best first. It is not started, and is the answer again until
  /// something happens.
  std::optional<TaskId> next_start(Time now) const;
  /// Starts all that can start, best first.
  std::vector<TaskId> choose_starts(Time now);
  /// Whether a waiting task could start now, but for slots, resources and order, in one attempt
  /// with the running `with`.
  bool may_share(TaskId task, TaskId with) const;
  /// Tasks that can never start because one they need ended without success; in plan order, each
  /// told once, to be ended as skipped.
  struct Unreachable {
    TaskId task;
    TaskId because;
  };
  std::vector<Unreachable> take_unreachable() const;
  /// Tasks that have come to their gate since the last call.
  std::vector<TaskId> take_gates() const;
  /// Whether a review is due that was not told yet (told once per review).
  bool take_review_due() const;
  /// Whether `on_failure` asks to stop.
  bool failure_limit_reached() const;

  WaitReason reason_of(TaskId task, Time now) const;
  /// The next moment at which time alone may let something start.
  std::optional<Time> next_wake(Time now) const;
  Waited waited(TaskId task, Time now) const;

  std::uint32_t running() const;
  std::uint32_t waiting() const;  ///< Neither running, released nor ended.
  bool all_ended() const;
  bool is_running(TaskId task) const;
  /// Neither running, released nor ended: `reason_of` may be asked.
  bool waits(TaskId task) const;
  /// The lane of a running task: the smallest number no other running task has.
  std::uint32_t lane_of(TaskId task) const;
  /// The lane that the next start gets.
  std::uint32_t next_lane() const;
  /// All that changes made it, a task a line and then its counters. Equal texts: they will decide
  /// alike.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace interlock::schedule
