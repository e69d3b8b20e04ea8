#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/write_set.h"
#include "engine/event.h"
#include "engine/executor.h"
#include "engine/gateway.h"
#include "engine/names.h"
#include "engine/sandbox.h"
#include "footprint/glob.h"
#include "plan/plan.h"

// The outside world, as the engine sees it. Every interface has a fake in tests/support and a suite
// in tests/contract that both the fake and the real adapter pass.
namespace interlock::engine {

/// Tells the time. Contract: never goes backwards, whatever the machine's clock does; stands still
/// within a turn because the engine asks once a turn.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() = 0;
};

/// What was produced, by content.
struct Blob {
  Digest digest;
  std::string bytes;
};

/// A task's result as an earlier attempt left it.
struct StoredResult {
  std::string run;
  Digest key;
  std::vector<CacheKeyPart> cache_key_parts;
  std::optional<Digest> output;
  Digest wrote;
  /// Of the text of its Trace, where its key alone does not say what it read.
  std::optional<Digest> trace = {};
};

/// What a person asked of a running dispatcher.
struct Request {
  enum class Kind : unsigned char {
    approve,
    reject,
    cancel_task,
    cancel_run,
    retry,
    add,      ///< `body`: a list of tasks as in a plan document, as JSON.
    close,    ///< No more are added.
    hold,     ///< Nothing more starts; `body` `calls`: no model call is sent either.
    release,  ///< Things start again.
    retune,   ///< `body`: JSON with any of `parallel`, `tokens`, `usd` (in millionths), `on_quota`.
    post,     ///< A note for the board; `body`: JSON with `topic` and `text`.
    send,     ///< `body`: what is said to the task's agent.
    move,     ///< `body`: JSON with `place` and perhaps `other`, the id of a task.
  };
  std::int64_t id = 0;
  Kind kind = Kind::approve;
  std::string task;  ///< Empty: the run's review, or the run.
  std::string by;
  std::string body = {};
};

/// Keeps a run's events.
///
/// Contract:
///   - `append` is one transaction: after it returns, events and blobs survive kill -9 and power
///   loss; when it fails
///     none of them is there, and the engine must not act on them;
///   - requests are durable too, and each is taken once.
class Journal {
 public:
  virtual ~Journal() = default;

  /// `results` are what the tasks done in this turn can be reused for, by key.
  virtual Result<void> append(std::span<const RecordedEvent> events, std::span<const Blob> blobs,
                              std::span<const std::pair<std::string, StoredResult>> results) = 0;
  virtual Result<std::string> blob(const Digest& digest) = 0;
  /// The newest result of this task (by id) in this workspace with this key.
  virtual Result<std::optional<StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) = 0;
  /// The newest result of this plan's task in this workspace, whatever its key: to say what
  /// changed.
  virtual Result<std::optional<StoredResult>> latest_result(const std::string& task) = 0;
  virtual Result<std::vector<Request>> take_requests() = 0;
};

/// The files tasks share, as they are committed now.
class Workspace {
 public:
  virtual ~Workspace() = default;

  /// Digest of paths and contents of all that matches, in path order; folders and links by name and
  /// target.
  virtual Result<Digest> fingerprint(const footprint::PatternSet& patterns) = 0;
  /// One per path, sorted: to name the first that differed.
  virtual Result<std::vector<CacheKeyPart>> fingerprints(const footprint::PatternSet& patterns) = 0;
  /// What each path that an attempt read is now: its content, the names in it, or whether it is
  /// there and of which kind and mode. In the order content, listing, presence; equal digests: it
  /// finds the same.
  virtual Result<std::vector<CacheKeyPart>> states(const changes::ReadSet& reads) = 0;
  /// A file below the workspace; at most `max_bytes`.
  virtual Result<std::string> read(const std::string& path, std::size_t max_bytes) = 0;
};

/// The committed state: the workspace with the committed changesets upon it, in the order of
/// `commit`. `checkpoint` brings them into the workspace itself, and is asked for only while no
/// snapshot is open. Until then every new snapshot shows them, and so do the calls of `Workspace`.
///
/// Contract: `checkpoint` changes a path only while the workspace holds there what the changesets
/// took for granted, by way of a rename, and may be broken off at any instant: the next goes on.
class Tree {
 public:
  virtual ~Tree() = default;

  /// An attempt whose changes are known, and what they are.
  struct Kept {
    AttemptName name;
    const changes::Changeset* changes = nullptr;
  };
  enum class Side : unsigned char {
    before,
    after,
    behind,  ///< As `after`, but links are followed, as far as they stay in the workspace.
  };

  /// A regular file as the attempt found it or left it, at most `max_bytes`; of a symbolic link its
  /// target. Only paths of its changes, and for `after` and `behind` any path of its snapshot.
  virtual Result<std::string> content(AttemptName name, const std::string& path, Side side,
                                      std::size_t max_bytes) = 0;
  /// A regular file of the committed state.
  virtual Result<std::string> committed(const std::string& path, std::size_t max_bytes) = 0;
  /// Which paths that the attempt read or changed somebody else (a person) has made different in
  /// the workspace since its snapshot was opened; sorted. Content decides, not times: what was read
  /// by content differs in kind, mode or bytes, a listed folder in its names, what was only looked
  /// at in kind or mode; what was not there differs when it is there now.
  virtual std::vector<std::string> foreign(AttemptName name, const changes::ReadSet& reads,
                                           const changes::Changeset& own) = 0;
  /// Rests the attempt's changes on the committed state: files that were merged get these bytes,
  /// and all others stay. The changeset as it is then.
  virtual Result<changes::Changeset> amend(
      AttemptName name, const std::vector<std::pair<std::string, std::string>>& merged) = 0;
  /// Its changes are the newest part of the committed state from now on. `title`: for those who
  /// read a history, `run/task`. Remarks for people: what of it is in no history.
  virtual Result<std::vector<std::string>> commit(const Kept& kept, const std::string& title) = 0;
  /// Brings all committed changes into the workspace. Paths that somebody else changed meanwhile
  /// are returned, and stay as that one left them. Then nothing was changed; but where somebody
  /// changes a path during the checkpoint itself, the others may be in the workspace already, and
  /// the next checkpoint goes on.
  virtual Result<std::vector<std::string>> checkpoint() = 0;
  /// Takes up a run: these were committed and are not yet known to be folded, in this order; those
  /// are harvested and wait. All else that is left of the run's snapshots goes. Attempts of which
  /// not all is there as it was harvested are returned, and then nothing was taken up.
  virtual Result<std::vector<AttemptName>> recover(const std::vector<Kept>& committed,
                                                   const std::vector<Kept>& waiting) = 0;
};

/// Judges outputs.
class Validator {
 public:
  virtual ~Validator() = default;

  /// Nothing when `text` is JSON that `schema` accepts; else what is wrong, where, for the agent
  /// and for people.
  virtual std::optional<std::string> complaint(const std::string& schema,
                                               std::string_view text) = 0;
};

/// What the engine may rely on.
struct Ports {
  Clock& clock;
  Executor& executor;
  Inbox& inbox;
  Journal& journal;
  Workspace& workspace;
  Tree& tree;
  Validator& validator;
  Gateway& gateway;
};

}  // namespace interlock::engine
