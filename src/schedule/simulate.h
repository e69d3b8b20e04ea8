#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "schedule/problem.h"
#include "schedule/world.h"

namespace interlock::schedule {

struct Slot {
  TaskId task;
  Duration start{};
  Duration end{};
  std::uint32_t lane = 0;

  bool operator==(const Slot&) const = default;
};

struct Timeline {
  std::vector<Slot> slots;  ///< The last attempt of each task, by start, then plan order.
  Duration elapsed{};
  std::vector<bool> overlapped;  ///< By task: something ran beside it.
  std::vector<TaskId> redone;    ///< Tasks that were done again, once for each time.
  std::uint32_t lanes = 1;       ///< That were used, by attempts that were done again as well.
};

/// Runs a plan in virtual time with the scheduler that runs it for real. Many worlds can be played
/// one after the other.
class Simulator {
 public:
  /// The problem must outlive it. `priorities` as for the scheduler.
  Simulator(const Problem& problem, const Policy& policy,
            const std::vector<std::int64_t>& priorities);
  ~Simulator();
  Simulator(Simulator&&) noexcept;

  Timeline play(const World& world);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

/// The plan in the world as it is expected: every task succeeds and takes what is expected, people
/// answer at once.
Timeline simulate(const Problem& problem, const Policy& policy,
                  const std::vector<std::int64_t>& priorities);

}  // namespace interlock::schedule
