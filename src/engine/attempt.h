#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agents/adapter.h"
#include "engine/judge.h"
#include "engine/ports.h"

namespace interlock::engine {

/// An attempt that is journaled as started and has not ended, as its dispatcher knows it: where it
/// stands, when its time is up, and what it has given back so far. Or, of an attempt that has
/// ended, the check of merged files (phase 2), or the driver that joins one of them (phase 3).
///
///     running --(phase 0 over, and it has a check)--> running, phase 1
///      |  ^
///      v  |    at a moment, or when another attempt ends
///     deferred        descriptors, processes or memory were short when it was to be spawned
///
///     running --(phase 0 over, in a snapshot)--> collecting --> running, and judged at once
///                                                what it changed is taken, by its executor
///     running --(all is over, and it was good, in the workspace itself)--> collecting --> over
///                                                what it wrote is hashed
///
/// Of several tasks in one attempt, once its work is over, each is one by itself:
///
///     queued ----> running, phase 1    its check has to wait for those of the others
///     judged       it is over, but the checks of the others use its slot
///
/// From any of these it ends; the engine then records AttemptEnded. `stop` may come at any time and
/// moves nothing: what was asked to end is still there until its process tree is gone.
class Attempt {
 public:
  enum class State : unsigned char { running, collecting, deferred, queued, judged };

  /// What its task allows it, and when its process last wrote.
  struct Clocks {
    Duration timeout{};  ///< From its start.
    Duration idle{};     ///< Of silence; zero: any.
    Duration grace{};
    Time last_output{};
  };

  /// What it gave back, while its check runs.
  struct Work {
    std::string output;
    bool has_output = false;
    std::string printed;  ///< On its standard output, where its output may be that.
    Exited exited;
    std::optional<Time> over;        ///< When its tree was gone,
    std::optional<Time> checked;     ///< and that of its check.
    std::optional<Harvest> harvest;  ///< With a snapshot.
    bool read_repository = false;    ///< Likewise: it opened something of a `.git`.
    std::vector<std::string> remarks, denied_reads, denied_writes;
  };
  /// Of an agent whose stream is read.
  struct Agent {
    const agents::Adapter* adapter = nullptr;
    std::unique_ptr<agents::Reader> reader;  ///< Until its work is over.
    agents::Transcript transcript;
    std::string doing;  ///< By its last event, in words for people.
    bool reported_session = false;
    bool released = false;         ///< Ended after its final answer, because it stayed.
    bool resumed = false;          ///< It took up an earlier session.
    bool session_is_gone = false;  ///< That session was not there.
    bool through_gateway = false;
    bool waits_at_limit = false;  ///< Of the run, in the gateway: its clocks stand still.
    Time waited_at_limit_until{};
  };
  /// Of several tasks in one attempt: while it works, all in one; then each by itself.
  struct Share {
    std::vector<TaskId> others;      ///< Whose work it does too.
    std::set<TaskId> cancelled;      ///< Of all of them: their part is not wanted any more.
    std::optional<TaskId> batch;     ///< Once apart: the task whose attempt it was.
    std::optional<Duration> worked;  ///< Likewise, its part of that time.
    std::optional<Usage> used;       ///< Likewise, of what was used.
    std::string used_from;
  };

  /// Of phase 3: the files that others changed too, one after the other.
  struct Merging {
    struct File {
      AttemptSpec::FileMerge asked;  ///< Without a command it is merged by lines.
      Duration timeout{};            ///< Of its driver.
      std::optional<std::string> merged;
    };
    std::vector<File> files;

    /// The first that nobody has joined yet; null: all are.
    const File* next() const;
    bool is_done() const { return next() == nullptr; }
  };

  Attempt() = default;
  /// Its process is to be spawned now.
  Attempt(AttemptName name, Time now) : name_(name), started_(now) {}

  const AttemptName& name() const { return name_; }
  TaskId task() const { return name_.task; }
  State state() const { return state_; }
  /// Of its work; of a check that had to wait, of that.
  Time started() const { return started_; }

  // Moves.

  /// Its work is over and good so far: its check is next.
  void check_work();
  /// Its work is over, and is `judgement` so far: what it changed is taken first, or hashed.
  void collect(Judgement judgement);
  /// That is done. What it was judged to be.
  Judgement take_collected();
  /// It cannot be spawned before `again`, being short of what `why` says.
  void defer(Time again, std::string why);
  /// It is to be spawned after all. The clock of work starts anew, as none of it was done.
  void start_again(Time now);
  /// Its check waits for those of others.
  void queue_check();
  void begin_check(Time now);
  /// Nothing of it runs any more, but its slot is used.
  void judge(Judgement judgement);
  /// What asked first counts. `detail`: for people, where the outcome does not say all.
  void stop(Outcome why, std::string detail = {});

  // Questions.

  const std::optional<Outcome>& stopped_for() const { return stopped_for_; }
  const std::string& stop_detail() const { return stop_detail_; }
  std::optional<Time> again_at() const;
  int starts_tried() const { return starts_tried_; }
  const std::string& short_of() const { return short_of_; }
  const Judgement& judgement() const;

  /// What it is to be stopped for at `now`, if anything.
  std::optional<Outcome> overdue(const Clocks& clocks, Time now) const;
  /// When an agent that stays after its final answer is ended, which is no failure.
  std::optional<Time> lingers_until(const Clocks& clocks) const;
  /// When one of these has something else to say, or it is started again.
  std::optional<Time> next_moment(const Clocks& clocks) const;

  std::string text() const;

  Work work;
  Agent agent;
  Share share;
  Merging merging;

 private:
  bool is_timed() const;

  AttemptName name_{TaskId(0), 1, 0};
  State state_ = State::running;
  Time started_{};
  std::optional<Outcome> stopped_for_;
  std::string stop_detail_;
  Time again_at_{};
  int starts_tried_ = 0;
  std::string short_of_;
  Judgement judged_;
};

}  // namespace interlock::engine
