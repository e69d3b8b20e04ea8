#pragma once

#include <deque>
#include <optional>
#include <queue>
#include <vector>

#include "schedule/adjacency.h"
#include "schedule/resource_pool.h"
#include "schedule/scheduler.h"
#include "schedule/wait_clock.h"

namespace interlock::schedule {

/// What the scheduler knows: one place a task, counters of what it still waits for, and queues of
/// those that wait for nothing but their turn.
///
///     blocked -> gate -> ready <-> parked        blocked: a link, or a task that runs alone, is in
///     the way
///        ^               |  ^                    gate:    a person has not approved it
///        |               v  |                    ready:   its turn has not come
///     backoff <- released <- running             parked:  a resource was short when it was tried
///                   |
///                   v                            Any place but running may end.
///                 ended
struct Scheduler::State {
  enum class At : unsigned char { blocked, backoff, gate, ready, parked, running, released, ended };

  struct Mark {
    std::uint32_t links_left = 0;   ///< Not satisfied, of any kind.
    std::uint32_t needs_left = 0;   ///< Of those, the ones that want success.
    std::uint32_t before_left = 0;  ///< Predecessors that have not passed.
    std::uint32_t lane = 0;         ///< While it runs.
    At at = At::blocked;
    End end = End::succeeded;  ///< When ended.
    bool approved = false;
    bool unreachable = false;
    bool unreachable_reported = false;
    bool revived = false;  ///< Since its last start: later tasks may have gone ahead of it.
    bool shares = false;   ///< It runs in another's attempt, and holds nothing itself.
    bool in_turn = false;  ///< Starts only when all before it in plan order have ended.
  };

  State(Problem given, Policy policy, std::vector<std::int64_t> priorities, Time now);

  /// As it is before anything happened.
  void begin(Time now);

  // Who may go.

  Mark& mark(TaskId task) { return marks[task.index()]; }
  const Mark& mark(TaskId task) const { return marks[task.index()]; }
  const Job& job(TaskId task) const { return problem.jobs[task.index()]; }
  bool waits(TaskId task) const { return mark(task).at < At::running; }
  /// Whether a task that runs alone stands between `task` and its start, or it waits for its turn.
  bool is_barred(TaskId task) const;
  /// Whether all before it in plan order have to end first.
  bool goes_last(TaskId task) const { return job(task).exclusive || mark(task).in_turn; }
  /// A running task that `task` should have gone before, and may not overlap with; only where a
  /// person asked for `task` again.
  std::optional<TaskId> overtaken_by(TaskId task) const;
  /// Whether nothing may start at all.
  bool is_held() const;
  bool failure_limit_reached() const;
  bool review_due() const;
  /// Whether the tasks under way are as many as may finish before the next review.
  bool review_ahead() const;
  /// Under way, and waiting to be committed behind an earlier task that has not begun: those before
  /// the last of them may begin though a review is ahead, or the review would never come.
  std::optional<TaskId> last_held_up() const;
  /// Puts a waiting task where it belongs.
  void file(TaskId task, Time now);
  void file_blocked(TaskId task, Time now);
  /// Makes the scheduler see that time has passed and that the run may be held.
  void advance(Time now);

  // What changes.

  void start(TaskId task, Time now);
  /// An ended task waits again.
  void bring_back(TaskId task, Time now);
  void satisfy_successors(TaskId task, Time now);
  /// Whether `task` and all it had to wait for are over. A link stands for all that goes before it,
  /// because what follows from other links is no link of its own: so a task that is skipped ahead
  /// of its turn holds its place until then.
  bool has_passed(TaskId task) const {
    return mark(task).at == At::ended && mark(task).before_left == 0;
  }
  /// Tells successors that `task` has passed, and those that pass with it.
  void pass(TaskId task, Time now);
  void mark_unreachable(TaskId task, TaskId because);
  /// Moves the bars that tasks running alone put up, and files the tasks they let pass. O(1) a task
  /// over the run.
  void move_bars(Time now);
  void advance_bars();
  /// Counts all links anew and files every waiting task; for the rare turn back.
  void recount(Time now);
  void recount_links();
  /// Takes `task` out of the queues of those that could start.
  void leave_queues(TaskId task);

  /// Adds tasks behind all others (growth.cc).
  void add(std::vector<Job> jobs, const std::vector<Link>& links, Time now);
  void count_links_into(TaskId task);

  // Choosing.

  /// The task to try next, best first; nothing when no start is allowed or none is ready.
  std::optional<TaskId> next_candidate(Time now);
  /// The best that can start, those before it being parked; nothing when none can.
  std::optional<TaskId> next_startable(Time now);
  std::optional<TaskId> next_in_plan_order(Time now);
  std::optional<TaskId> next_before_review() const;
  void park(TaskId task, const WaitReason& obstacle, Time now);
  /// Makes ready what the moment, or a change of what is free, lets try again.
  void wake_due(Time now);
  void take_in_woken(Time now);
  void drop_stale_backoffs();
  void advance_cursor();
  WaitReason blocked_by(TaskId task) const;
  /// `task`, or what an ended one that has not passed is held by.
  TaskId unended_at(TaskId task) const;

  Problem problem;
  Policy policy;
  Adjacency successors, predecessors;
  std::vector<Rank> rank_of;
  std::vector<TaskId> by_rank;
  std::vector<Mark> marks{};
  WaitClock clock;
  ResourcePool pool;

  RankQueue ready;  ///< May hold tasks that have left, and some twice.
  using Due = std::pair<Time, TaskId>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> backoffs;  ///< The top never has.
  std::vector<Time> not_before;  ///< By task; empty until one is tried again.

  std::uint32_t first_unended = 0;  ///< Tasks that run alone wait for this one.
  std::uint32_t first_exclusive_unended =
      0;                     ///< All behind it wait for this one, which runs alone.
  std::uint32_t cursor = 0;  ///< In plan order: the first that neither runs nor has ended.
  std::optional<TaskId> exclusive_running;

  std::vector<TaskId> revived;  ///< Those so marked.

  std::vector<Unreachable> unreachable;
  std::vector<TaskId> at_gate;
  std::vector<std::uint32_t> free_lanes;  ///< A heap, smallest first.
  std::uint32_t lanes = 0;
  std::uint32_t running = 0, waiting = 0, ended = 0, failed = 0;
  std::uint32_t finished = 0;  ///< Succeeded or failed.
  std::uint32_t reviews_approved = 0;
  bool review_reported = false;
  bool stopped = false;
  bool held = false;          ///< By a person.
  bool is_moved = false;      ///< A person has put tasks into another order.
  std::deque<Job> announced;  ///< And not added yet.
  std::deque<Link> announced_links;
};

}  // namespace interlock::schedule
