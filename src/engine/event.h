#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/id.h"
#include "base/json.h"
#include "base/process_identity.h"
#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"
#include "engine/gateway.h"

namespace interlock::plan {
enum class Isolation : unsigned char;
}

namespace interlock::engine {

/// How an attempt ended. Each is told apart because each is treated apart.
enum class Outcome : unsigned char {
  succeeded,
  exited_nonzero,  ///< The command said so itself.
  crashed,         ///< Ended by a signal nobody here sent.
  not_started,  ///< The program could not be executed. Not retried: it would not be there either.
  timed_out,    ///< The wall clock.
  went_silent,  ///< The idle clock.
  output_missing,  ///< The promised output is not there.
  output_too_large,
  output_invalid,  ///< It breaks its schema, or is no JSON. One correction is asked for.
  verify_failed,   ///< The task's own check said no.
  lingered,   ///< Children outlived the attempt; they were ended. Only ever a remark beside another
              ///< outcome.
  cancelled,  ///< A person or the run's end stopped it.
  interrupted,  ///< The dispatcher died; the attempt was proven dead afterwards. Costs no retry.
  outside_footprint,  ///< It touched what its footprint does not allow. One correction is asked
                      ///< for.
  conflicted,         ///< What it had read or changed was changed by others. Costs no retry.
  changes_lost,  ///< What it changed could not be taken: a full disk, a folder that cannot be read.
  // What only agents that ask a model can come to.
  rate_limited,  ///< Told to wait, and gave up. Costs no retry.
  quota_spent,   ///< The provider's quota is used up: the run stops. Costs no retry.
  over_budget,   ///< The next call would have passed the task's or the run's budget.
  api_failed,    ///< The model's side failed: overloaded, a server error, no connection.
  auth_failed,   ///< The key is wrong or has no rights. Not retried, as are the next two.
  bad_request,   ///< No such model, no such session or option.
  too_long,      ///< More than the model's context.
  cut_off,       ///< The answer is not whole: an output limit, a stream that broke.
  declined,      ///< The model or a filter would not.
  no_final,      ///< It ended without its final event: whatever it left is no result.
  client_limit,  ///< The client's own limit of turns or money.
  runaway,       ///< It asked its model too often or too fast. Not retried: it would do so again.
  setup_failed,  ///< Its setup or a service of its failed, so that its work could not be done.
};
std::string_view name_of(Outcome outcome);
std::optional<Outcome> outcome_named(std::string_view name);

/// One named part of what a task's result depends on.
struct CacheKeyPart {
  std::string name;  ///< `command`, `prompt`, `agent`, `reads src/a.cc`, `output of x`, ...
  Digest digest;

  bool operator==(const CacheKeyPart&) const = default;
};

using interlock::Usage;

enum class GateKind : unsigned char { before, after, review };

// Facts, past tense. The journal holds nothing else. Order within a turn is the order of happening.

struct RunBegan {
  std::string dispatcher;  ///< `user@host`, for the person who is told that it holds the run.
  ProcessIdentity process;
  bool resumed = false;
};
struct RunStopping {
  enum class Cause : unsigned char {
    other,     ///< Of journals that do not say.
    failures,  ///< Too much failed: nothing starts unless a person asks for some of that again.
    interrupted,
    cancelled,
    limit,       ///< A budget or the provider's quota is used up.
    checkpoint,  ///< What is committed cannot be brought into the workspace.
  };

  std::string why;  ///< `interrupted`, `cancelled`, `a task failed and on_failure is stop`, ...
  Cause cause = Cause::other;
};
/// The dispatcher has let go of the run.
struct RunEnded {
  enum class How : unsigned char {
    finished,
    failed,
    paused_at_gate,
    interrupted,
    cancelled,
    limit_reached,  ///< A budget or the provider's quota is used up.
  };
  How how = How::finished;
  std::string digest;  ///< Of all outputs, merges and written files; only when finished or failed.
};
struct GateReached {
  std::optional<TaskId> task;  ///< None for a review.
  GateKind kind = GateKind::before;
};
struct GateAnswered {
  std::optional<TaskId> task;
  GateKind kind = GateKind::before;
  bool approved = false;
  std::string by;
};
/// How long a task waited for what before an attempt began.
struct WaitedFor {
  Duration needs{}, conflict{}, quota{}, slot{}, gate{}, backoff{};

  bool operator==(const WaitedFor&) const = default;
};
struct AttemptStarted {
  enum class Trigger : unsigned char {
    first,
    retry,
    correction,
    again,
    conflict,  ///< Done again on what others made of the workspace meanwhile.
    repair,    ///< Likewise, by the command that mends: it is told what changed.
    tries,     ///< Nothing of it runs: it is what the picked one of its tries did, if any was good.
  };

  TaskId task;
  std::uint32_t attempt =
      1;  ///< Counts up for good, also over resumes: it fences what the attempt reports.
  Trigger because = Trigger::first;
  std::uint32_t lane = 0;
  Digest key;  ///< Of all parts of the cache key.
  std::vector<CacheKeyPart> cache_key_parts;
  std::string changed;  ///< The first ingredient that differs from the last result kept of this
                        ///< task; empty: none kept.
  WaitedFor waited;
  plan::Isolation isolation{};         ///< What it really runs in.
  std::uint32_t snapshot_version = 0;  ///< So many of the run's commits are in its snapshot.
  bool speculative = false;            ///< Started beside a task it may well conflict with.
  std::optional<TaskId> with;          ///< It has no slot of its own: AttemptsBatched follows.
  std::optional<TaskId> from;          ///< Of `tries`: the one that was picked.
};
/// Attempts that start in the same turn are one: that of `task` does the work of all, and `others`
/// take their part of its answer. Each task keeps an attempt of its own.
struct AttemptsBatched {
  TaskId task;
  std::uint32_t attempt = 1;
  std::vector<TaskId> others;  ///< In plan order.
};
struct ProcessSpawned {
  TaskId task;
  std::uint32_t attempt = 1;
  ProcessIdentity process;
};
/// The agent told who it is. The session can be taken up again by a correction or a repair.
struct SessionBegan {
  TaskId task;
  std::uint32_t attempt = 1;
  std::string session, model, version;  ///< Empty: not told.
};
/// One call of a model is over; `call.name` says whose.
struct ModelCalled {
  TaskId task;
  std::uint32_t attempt = 1;
  ModelCall call;
};
/// What the attempt's model call waits for before it is sent.
struct CallWaiting {
  TaskId task;
  std::uint32_t attempt = 1;
  std::string on;             ///< In words, for people; empty: it goes on.
  std::optional<Time> until;  ///< When it is tried, where that is known.
};
struct AttemptEnded {
  TaskId task;
  std::uint32_t attempt = 1;
  Outcome outcome = Outcome::succeeded;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string detail;        ///< For people: what was wrong, with the path or the schema's place.
  std::uint32_t strays = 0;  ///< Processes that outlived it and were ended.
  std::optional<Digest> output;  ///< What it gave back, also when that was invalid.
  Duration elapsed{};
  Usage usage;
  std::optional<Digest> changes;     ///< Of its changeset's text; none: it had no snapshot.
  std::optional<Digest> reads;       ///< Of its read set's text.
  std::vector<std::string> remarks;  ///< For people: what it was kept from, what was left out.
  /// Paths of the workspace that it was kept from: what its plan would have to name.
  std::vector<std::string> denied_reads, denied_writes;
  std::string reads_from;  ///< `observed`, `declared` or `everything`; empty: it had no view.
  std::string usage_from;  ///< Who counted `usage`: `gateway` or `client`; empty: nobody.
  std::optional<Tokens> spawn_tokens;   ///< Of its first call, but for its own prompt.
  std::optional<Tokens> return_tokens;  ///< Of its last answer.
  bool broke_dispatcher = false;        ///< It ran while the dispatcher broke off by itself.
  std::optional<Digest> writes;         ///< Of its write set's text; none: as `changes`.
  std::vector<std::string> unproven;    ///< Processes that could not be proven gone, in words.
  /// What its processes had of the processors; and what the largest of them held of memory at once.
  /// Nothing: not known.
  std::optional<Duration> cpu_time;
  std::optional<std::int64_t> memory_peak_bytes;
};
/// Its attempt is over and its changes wait for their turn.
struct ChangesReady {
  TaskId task;
  std::uint32_t attempt = 1;
};
/// Files that others changed too were merged; its check runs on that before it may commit.
struct ChangesMerged {
  TaskId task;
  std::uint32_t attempt = 1;
  Digest changes;                      ///< Of its changeset as it is now.
  std::uint32_t snapshot_version = 0;  ///< It rests on so many commits.
  std::vector<CacheKeyPart> files;     ///< Path, and what it holds now.
};
/// Its changes are part of what later tasks see. `ChangesFolded` tells when they are in the
/// workspace itself.
struct ChangesCommitted {
  TaskId task;
  std::uint32_t attempt = 1;
  Digest changes;
  std::uint32_t count = 0;                ///< Paths.
  std::vector<std::string> remarks = {};  ///< For people: what of it is in no git commit.
};
/// It had read or changed what is no longer so. What follows is a RetryPlanned or a TaskFailed.
struct CommitRefused {
  TaskId task;
  std::uint32_t attempt = 1;
  std::vector<std::string> paths;  ///< The first few.
  std::uint32_t count = 0;         ///< How many there are.
  std::vector<TaskId> by;          ///< Who changed them; none: somebody outside the run.
  std::string detail;              ///< For people.
};
/// So many of the run's commits are in the workspace itself.
struct ChangesCheckpointed {
  std::uint32_t commits = 0;
};
/// Somebody outside the run changed these while commits waited to be brought in. Nothing was
/// touched.
struct CheckpointRefused {
  std::vector<std::string> paths;
};
/// What was kept of these tasks' latest attempts is not whole any more: a power failure, a disk, a
/// hand in the state folder. They are done again, and of the commits only so many stand.
struct ChangesLost {
  std::uint32_t commits = 0;
  std::vector<TaskId> tasks;
  std::string detail;  ///< For people.
};
struct TaskDone {
  TaskId task;
  std::uint32_t attempt = 0;  ///< 0: taken from an earlier run.
  std::optional<Digest> output;
  Digest wrote;          ///< Of the paths and contents its declared writes match now.
  std::string from_run;  ///< The run it was taken from; empty: done here.
};
struct TaskFailed {
  TaskId task;
  Outcome outcome = Outcome::exited_nonzero;
  std::string detail;
};
/// It does not run: something it needs did not succeed, or nothing asks for it.
struct TaskSkipped {
  TaskId task;
  std::optional<TaskId> because;  ///< What did not succeed.
  std::string unneeded;           ///< Why nothing asks for it: nothing has failed by that.
};
struct TaskCancelled {
  TaskId task;
  std::string by;
};
/// A person asked for the task again: it, and what was skipped because of it, waits anew.
struct TaskRevived {
  TaskId task;
};
struct RetryPlanned {
  TaskId task;
  AttemptStarted::Trigger because = AttemptStarted::Trigger::retry;
  Time not_before{};
  bool charged = true;     ///< Whether it costs one of the task's retries.
  std::string correction;  ///< What the agent will be told was wrong.
};
/// The plan grew: these come at its end, in their order. They are kept as they were written, so
/// that whoever reads the journal gets the same tasks.
struct TasksAdded {
  std::uint32_t count = 0;
  std::string tasks;  ///< A list of tasks as in a plan document, as JSON.
  std::string files;  ///< What reading them saw: see workspace::RecordingFiles.
  std::string by;
  std::int64_t request = 0;  ///< The number of the request that it answers.
};
/// What was to be added is not a task of this plan.
struct TasksRefused {
  std::string why, by;
  std::int64_t request = 0;
};
/// What a `foreach` over an output stands for is known: its places from `task` on are those of its
/// items, in their order, and the rest is not needed.
struct FamilyExpanded {
  TaskId task;
  std::uint32_t count = 0;
  std::string items;  ///< A JSON list of texts.
};
/// No more tasks are added: the run is over when those that are there are.
struct AdditionsClosed {
  std::string by;
};
/// Nothing more starts until RunReleased; with `calls`, no model call is sent either.
struct RunHeld {
  bool calls = false;
  std::string by;
};
struct RunReleased {
  std::string by;
};
/// Other limits from here on; absent: as before.
struct RunRetuned {
  std::optional<std::int64_t> parallel;
  std::optional<Tokens> tokens;
  std::optional<MicroUsd> usd;
  std::string by;
  std::optional<bool> waits_for_quota = {};  ///< `on_quota`.
};
/// One of several tries of a task is over. A good one keeps its output and its changes until one is
/// picked.
struct TryEnded {
  TaskId task;
  std::uint32_t attempt = 0;  ///< 0: it never began.
  bool good = false;
  std::string detail;          ///< Why it is not good, or not wanted any more.
  std::optional<Digest> diff;  ///< Of what a judge is shown of its changes.
};
/// This try counts; the others do not, whatever comes of them.
struct TryPicked {
  TaskId task;  ///< Whose try it is.
  TaskId picked;
  std::string why;
};
/// It was good, and another is picked: what it changed is thrown away.
struct TryDropped {
  TaskId task;
  std::string why;
};
struct MergeMade {
  std::uint32_t merge = 0;
  Digest output;
};
struct MergeFailed {
  std::uint32_t merge = 0;
  std::string detail;
};

/// A note was left on the board. A task's counts where the task is done by that attempt.
struct BoardPosted {
  std::string topic;
  std::optional<TaskId> task;  ///< None: a person.
  std::uint32_t attempt = 0;
  std::string text;
  std::string by;            ///< The person.
  std::int64_t request = 0;  ///< Of the person: the number of the request that it answers.
};
/// An attempt was shown what is there of a topic, from one number to another.
struct BoardRead {
  TaskId task;
  std::uint32_t attempt = 1;
  std::string topic;
  std::uint32_t after = 0, last = 0;  ///< Numbers of posts, as the reader sees them.
  std::uint32_t count = 0;            ///< So many were shown.
};
/// A person says something to a task's agent. Its next attempt is told.
struct MessageSent {
  TaskId task;
  std::string text, by;
  std::int64_t request = 0;
};
/// Among those that may start, a task goes first from here on, last, before or after another.
struct TaskMoved {
  enum class Place : unsigned char { first, last, before, after };
  TaskId task;
  Place place = Place::first;
  std::optional<TaskId> other;
  std::string by;
  std::int64_t request = 0;
};
/// What a person asked for cannot be.
struct RequestRefused {
  std::string why, by;
  std::int64_t request = 0;
};

using Event =
    std::variant<RunBegan, RunStopping, RunEnded, GateReached, GateAnswered, AttemptStarted,
                 ProcessSpawned, AttemptEnded, TaskDone, TaskFailed, TaskSkipped, TaskCancelled,
                 TaskRevived, RetryPlanned, MergeMade, MergeFailed, ChangesReady, ChangesMerged,
                 ChangesCommitted, CommitRefused, ChangesCheckpointed, CheckpointRefused,
                 SessionBegan, ModelCalled, ChangesLost, CallWaiting, AttemptsBatched, TasksAdded,
                 TasksRefused, AdditionsClosed, RunHeld, RunReleased, RunRetuned, FamilyExpanded,
                 TryEnded, TryPicked, TryDropped, BoardPosted, BoardRead, MessageSent, TaskMoved,
                 RequestRefused>;

/// An event and its moment. `seq` counts from 1 within a run, without gaps.
struct RecordedEvent {
  std::uint64_t seq = 0;
  Time at{};
  Event event;
};

/// `attempt_started`, ...: stable names, part of the journal's format.
std::string_view name_of(const Event& event);
/// `first`, `last`, `before`, `after`.
std::string_view name_of(TaskMoved::Place place);
/// `first`, `retry`, `correction`, `again`, `conflict`, `repair`, `tries`.
std::string_view name_of(AttemptStarted::Trigger because);
std::optional<TaskId> task_of(const Event& event);
/// The fact's fields as JSON; unknown members are ignored on reading, so that a newer journal can
/// still be read.
json::object to_json(const Event& event);
Result<Event> event_from_json(std::string_view name, const json::object& body);

}  // namespace interlock::engine
