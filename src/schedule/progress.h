#pragma once

#include <optional>
#include <vector>

#include "schedule/problem.h"

namespace interlock::schedule {

/// How far running jobs have come that slow each other: see `Slowing`.
class Progress {
 public:
  explicit Progress(const std::vector<Slowing>& slowings) : slowings_(&slowings) { clear(); }

  void clear();
  /// `work`: how long the job takes by itself.
  void start(TaskId task, const Job& job, Duration work, Time now);
  /// It ended, or was ended.
  void stop(TaskId task, std::uint32_t slowing, Time now);
  /// When the next one is done, if none starts or ends before.
  std::optional<Time> next_end() const;
  /// Those whose work is done by `now`, in plan order; they are stopped.
  std::vector<TaskId> take_done(Time now);

 private:
  struct Running {
    TaskId task;
    double load = 1;
    double left = 0;  ///< Microseconds of work.
  };
  struct Group {
    std::vector<Running> running;
    Time at{};  ///< The moment `left` holds for.
  };
  double speed(std::size_t group) const;
  void advance(std::size_t group, Time now);

  const std::vector<Slowing>* slowings_;
  std::vector<Group> groups_;
};

}  // namespace interlock::schedule
