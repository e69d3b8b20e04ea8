#pragma once

#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/event.h"
#include "history/sample.h"
#include "journal/run_store.h"

namespace interlock::journal {

/// Whose samples they are.
struct SampleOwner {
  std::string run, plan, workspace;
};

/// What a run's events measured.
struct Measured {
  struct Conflicted {
    std::string task;
    std::uint32_t attempt = 0;
    bool met = false;
  };
  /// What joining the output of an attempt took a person.
  struct Joined {
    std::string task;
    std::uint32_t attempt = 0;
    Duration took{};
  };
  std::vector<history::Sample> samples;
  std::vector<history::Call> calls;
  std::vector<Conflicted> met;  ///< Of samples that were given out before.
  std::vector<Joined> joined;   ///< Likewise.
  std::string run;
};

/// Makes samples out of a run's events, in order. Pure: the same events give the same samples,
/// whether they are written now or were written by an earlier version. Events of tasks without a
/// label are passed over.
class Projection {
 public:
  Projection(SampleOwner owner, std::vector<TaskLabel> tasks);

  void add(std::vector<TaskLabel> tasks) {
    tasks_.insert(tasks_.end(), std::make_move_iterator(tasks.begin()),
                  std::make_move_iterator(tasks.end()));
  }
  void apply(const engine::RecordedEvent& recorded);
  /// What came of the events since the last time.
  Measured take();

 private:
  /// An attempt that has begun.
  struct Open {
    Time started{};
    history::Sample::Waits waits;
    std::optional<Duration> startup;
    bool batched = false;  ///< Its attempt did the work of other tasks too.
  };

  void on(const engine::RunBegan& event, Time at);
  void on(const engine::AttemptStarted& event, Time at);
  void on(const engine::AttemptsBatched& event, Time at);
  void on(const engine::ModelCalled& event, Time at);
  void on(const engine::AttemptEnded& event, Time at);
  void on(const engine::TaskDone& event, Time at);
  void on(const engine::CommitRefused& event, Time at);
  void on(const engine::ChangesCommitted& event, Time at);
  void on(const engine::GateReached& event, Time at);
  void on(const engine::GateAnswered& event, Time at);
  void on(const auto&, Time) {}

  const TaskLabel* label(TaskId task) const;
  void note_conflict(TaskId task, std::uint32_t attempt, bool met);
  void note_joined(const engine::GateAnswered& event, Duration took);

  SampleOwner owner_;
  std::vector<TaskLabel> tasks_;
  std::string host_;
  std::map<TaskId, Open> open_;
  std::map<TaskId, std::uint32_t> loose_;  ///< Outputs somebody has to join: of which attempt.
  std::vector<TaskId> unreviewed_;         ///< Those that came since a person last reviewed.
  std::map<std::pair<std::optional<TaskId>, engine::GateKind>, Time> gates_;
  Measured measured_;
};

}  // namespace interlock::journal
