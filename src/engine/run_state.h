#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/board_posts.h"
#include "engine/event.h"
#include "engine/names.h"
#include "plan/plan.h"

namespace interlock::engine {

/// The life of a task. The only moves are the ones drawn here:
///
///     waiting --> running --> done
///      ^   |        |  |
///      |   |        |  +--> reviewing --> done        (gate after)
///      |   |        |            +------> failed      (rejected)
///      |   |        |  '--> committing --> done       (its changes waited for their turn;
///      |   |        |            |                    from reviewing too)
///      |   |        |            '------> waiting, failed, cancelled
///      |   |        +--> failed
///      |   |        +--> waiting                      (retry, correction, interrupted)
///      |   |        +--> cancelled
///      |   +--> done                                  (taken from an earlier run)
///      |   +--> skipped, failed (gate rejected), cancelled
///      |   '--> (a try, at any time) skipped         (not good, or another was picked; done too)
///      +-- revived: from failed, skipped, cancelled
///      +-- from done, committing, reviewing, when what was kept of its changes is lost
enum class TaskState : unsigned char {
  waiting,
  running,
  reviewing,
  committing,
  done,
  failed,
  skipped,
  cancelled
};
std::string_view name_of(TaskState state);

/// What came of a model call, as the gateway knows it.
struct CallVerdict {
  std::uint32_t number = 0;                ///< Within the attempt; 0: there was none.
  std::optional<agents::Failure> failure;  ///< None: it ended well.
  std::string detail;
};

struct AttemptRecord {
  std::uint32_t number = 1;
  AttemptStarted::Trigger because = AttemptStarted::Trigger::first;
  std::uint32_t lane = 0;
  Time started{};
  std::uint64_t started_seq = 0;  ///< Of the event.
  std::optional<Time> ended;
  std::optional<ProcessIdentity> process;
  std::optional<Outcome> outcome;
  std::optional<int> exit_code, signal;
  std::string detail;
  std::uint32_t strays = 0;
  std::vector<std::string> unproven;  ///< Processes that could not be proven gone, in words.
  std::optional<Digest> output;
  Duration elapsed{};
  std::optional<Duration> cpu_time;  ///< As in `AttemptEnded`.
  std::optional<std::int64_t> memory_peak_bytes;
  Usage usage;
  std::string changed;  ///< What differed from the last result kept.
  WaitedFor waited;
  plan::Isolation isolation{};
  std::uint32_t snapshot_version = 0;  ///< Commits in its snapshot.
  bool speculative = false;
  std::optional<Digest> changes, reads;  ///< Of their texts; only with a snapshot.
  std::optional<Digest> writes;          ///< Likewise; older journals have none.
  std::vector<std::string> remarks, denied_reads, denied_writes;
  std::string reads_from;            ///< How its reads are known; empty: it had no view.
  std::vector<CacheKeyPart> merged;  ///< Files that were merged with others' changes.
  std::uint32_t merged_on = 0;       ///< So many commits were there then.
  std::optional<CommitRefused> refused;
  std::string session, model, version;  ///< As the client told; empty: it did not.
  std::uint32_t calls = 0;              ///< Of a model, that were answered.
  std::uint32_t calls_refused = 0;      ///< That were not, or not to the end.
  std::uint32_t calls_again = 0;        ///< Sent once more by the gateway.
  std::uint32_t calls_replayed = 0;
  Usage called = no_usage();  ///< By all of them, replayed ones left out.
  Usage known;                ///< What was used at least: unknown parts left out.
  Duration waited_quota{}, waited_lead{};
  std::optional<MicroUsd> saved = 0;  ///< By prompt caches.
  std::string usage_from;
  std::optional<Tokens> first_input;  ///< Of its first answered call: all of its input.
  std::size_t first_bytes = 0;        ///< Of that call's body.
  std::optional<Tokens> last_output;
  bool parked = false;          ///< At the run's limit, before its next call.
  CallVerdict last_call;        ///< In the order in which calls came in.
  CallVerdict last_with_tools;  ///< Of those that offered tools: the client's main loop.
  std::optional<Tokens> spawn_tokens, return_tokens;
  std::string call_waits_on;             ///< What its model call waits for now; empty: for nothing.
  std::optional<Time> call_waits_until;  ///< At the latest, where that is known.
  std::vector<BoardRead> board_reads;    ///< By topic: what it was shown of it, all together.
  // Of tasks that share one attempt: the first has its process, its log and its calls.
  std::vector<TaskId> others;          ///< Whose work it does too.
  std::optional<TaskId> batched_with;  ///< That one does its work.
  std::optional<TaskId> from;          ///< Of tries: the one whose work it is.
  std::optional<Digest> diff;          ///< Of a good try: what its judge is shown of its changes.

  bool is_batched() const { return batched_with || !others.empty(); }
};

/// What a person said to a task's agent.
struct MessageRecord {
  Time at{};
  std::string text, by;
  std::uint32_t attempt = 0;  ///< That was told first; 0: none yet.
};

struct TaskRecord {
  TaskState state = TaskState::waiting;
  std::vector<AttemptRecord> attempts;
  Digest key;  ///< Of the latest attempt or reuse.
  std::vector<CacheKeyPart> cache_key_parts;
  std::optional<Digest> output;  ///< Of the result that counts.
  Digest wrote;
  std::string from_run;  ///< Not empty: taken from that run.
  std::optional<Outcome> failure;
  std::string detail;             ///< Why it failed, was skipped or cancelled.
  std::optional<TaskId> because;  ///< Skipped because of.
  std::string unneeded;           ///< Skipped, though nothing failed: why.
  int retries_used = 0;
  int corrections_used = 0;
  int conflicts = 0;  ///< Attempts that came to nothing because others changed what they saw.
  int broke_dispatcher = 0;  ///< Attempts that ran while their dispatcher broke off.
  bool revived = false;  ///< A person asked for it again: later tasks may have gone ahead of it.
  std::optional<Time> not_before;  ///< Back-off.
  AttemptStarted::Trigger next = AttemptStarted::Trigger::first;
  std::string session;     ///< Of the latest attempt that had one.
  std::string correction;  ///< What the next attempt is told was wrong.
  std::vector<MessageRecord> messages;
  std::optional<TaskId> picked;  ///< Of its tries.
  std::string picked_because;
  bool gate_before_reached = false, gate_before_approved = false;
  std::optional<Time> gate_since;
  Duration gate_time{};         ///< What people took at its gates, but for the open one.
  std::optional<Time> settled;  ///< When it became done, failed, skipped or cancelled.

  bool is_unneeded() const { return state == TaskState::skipped && !unneeded.empty(); }
  /// Whether it is over, and whoever needs it may go on.
  bool went_well() const { return state == TaskState::done || is_unneeded(); }
};

/// One changeset that is part of what later tasks see.
struct CommitRecord {
  TaskId task;
  std::uint32_t attempt = 1;
  Digest changes;
};

struct MergeRecord {
  std::optional<Digest> output;
  std::string failure;
};

/// That a person moved a task among those that wait.
struct MoveRecord {
  TaskId task;
  TaskMoved::Place place = TaskMoved::Place::first;
  std::optional<TaskId> other;
  std::string by;
};

/// What is true of a run. Made by `apply` alone, from events alone: recovery is `apply` over the
/// journal.
struct RunState {
  explicit RunState(const plan::Plan& plan);

  std::vector<TaskRecord> tasks;
  std::vector<MergeRecord> merges;
  std::vector<CommitRecord> commits;            ///< In the order of committing.
  std::uint32_t checkpointed = 0;               ///< So many of them are in the workspace itself.
  std::vector<std::string> checkpoint_refused;  ///< What stood in the way the last time.
  std::uint64_t seq = 0;                        ///< Of the last event.
  std::optional<Time> began;                    ///< First dispatch.
  std::optional<Time> last;                     ///< Latest event.
  Duration active{};  ///< Time during which a dispatcher held the run, without the open spell.
  std::optional<Time> session_began;  ///< Of the dispatcher that holds it.
  std::string dispatcher;
  std::optional<ProcessIdentity> process;
  std::optional<RunEnded::How> ended;
  std::optional<Time> quota_resets;  ///< As a provider said of a quota that is used up, the latest.
  std::string digest;
  std::string stopping;                      ///< Why no more starts, in words.
  std::set<RunStopping::Cause> stop_causes;  ///< Likewise, all that there are.
  std::uint32_t finished_count = 0;          ///< Tasks done, failed, skipped or cancelled.
  std::uint32_t reviews_approved = 0;
  bool review_open = false;
  std::optional<Time> review_since;
  Duration review_time{};           ///< As `TaskRecord::gate_time`.
  std::uint32_t gates_open = 0;     ///< Reviews too.
  std::uint32_t running_count = 0;  ///< Tasks.
  bool additions_closed = false;
  /// By the first place of each family whose items are known: how many there are.
  std::map<TaskId, std::uint32_t> expanded;
  bool held = false;              ///< By a person: nothing more starts.
  bool calls_held = false;        ///< Nor is a model call sent.
  RunRetuned retuned;             ///< All that was retuned, the latest word on each.
  std::vector<PostRecord> posts;  ///< On the board, in their order.
  std::vector<MoveRecord> moves;
  /// Of `active`: while a gate was open and nothing ran, up to `last`.
  Duration stood_at_gates{};

  const TaskRecord& operator[](TaskId id) const { return tasks[id.index()]; }
  bool is_stopped_for(RunStopping::Cause cause) const { return stop_causes.contains(cause); }
  /// Whether nothing starts any more, whatever a person asks for again.
  bool is_held() const {
    return !stop_causes.empty() && stop_causes != std::set{RunStopping::Cause::failures};
  }
};

/// What is known to have been used.
struct Spent {
  Tokens tokens = 0;
  MicroUsd usd = 0;
};
Spent spent_by(const TaskRecord& record);
Spent spent_by(const RunState& run);

/// Whether what is known of an attempt is all that it used.
struct Completeness {
  bool asked = false;  ///< A model was asked, or may have been.
  bool tokens = true;
  bool cost = true;
};
/// Unknown is not complete: an agent that still works, one that nobody counted, and one that leaves
/// something out, are not.
Completeness completeness_of(const plan::Plan& plan, TaskId task, const AttemptRecord& attempt);

/// Whose snapshot holds what that attempt changed: its own, or that of the try whose work it is.
AttemptName snapshot_of(const RunState& run, TaskId task, std::uint32_t attempt);

/// The one door for changes. Breaks off (a bug) when the move is not one that is drawn above.
void apply(RunState& run, const RecordedEvent& recorded);

}  // namespace interlock::engine
