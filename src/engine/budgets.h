#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "engine/setup.h"

namespace interlock::engine {

/// What the run and each of its tasks are known to have used, held against the run's limits. Made
/// of events, a few steps each: a run of many tasks asks after every attempt.
class Budgets {
 public:
  /// As the events so far left it.
  explicit Budgets(const RunState& run);

  /// `run` is what it is after the event.
  void apply(const RunState& run, const RecordedEvent& recorded);

  const Spent& spent() const { return spent_; }
  const Spent& spent_by(TaskId task) const { return by_task_[task.index()]; }
  /// None: there is no limit. Of what is used, what is known counts.
  std::optional<Tokens> tokens_left(const Setup& limits) const;
  std::optional<MicroUsd> usd_left(const Setup& limits) const;
  /// In words, which limit is passed, if one is.
  std::optional<std::string> passed(const Setup& limits) const;

  std::string text() const;

 private:
  void recount(const RunState& run, TaskId task);

  Spent spent_;
  std::vector<Spent> by_task_;
};

/// The limit that a run stops at, in words: `400k tokens`.
std::string limit_text(const Setup& limits);

}  // namespace interlock::engine
