#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "schedule/adjacency.h"
#include "schedule/problem.h"

namespace interlock::schedule {

/// When each task starts, by TaskId, and how long it all takes.
struct Sketched {
  std::vector<std::int64_t> starts;  ///< In microseconds.
  std::int64_t elapsed = 0;
  std::uint32_t most = 0;  ///< How many run at once, at the most.
};

/// Foretells a schedule as the scheduler would make it, without its books: for looking at many
/// orders of one plan. Knows links, capacities and slots; what it finds is to be confirmed by
/// `simulate`.
class Sketch {
 public:
  Sketch(const Problem& problem, std::uint32_t parallel);

  /// Whether the problem has only what a sketch knows.
  static bool can_draw(const Problem& problem);

  const Sketched& cost(const std::vector<std::int64_t>& priorities);

 private:
  void rank(const std::vector<std::int64_t>& priorities);
  void start_all(std::int64_t now);
  bool starts_now(std::uint32_t task);
  void end_next();
  void make_ready(std::uint32_t task);

  /// Of one task.
  std::span<const Demand> demands_of(std::uint32_t task) const {
    return std::span(demands_).subspan(first_demand_[task],
                                       first_demand_[task + 1] - first_demand_[task]);
  }

  std::vector<std::int64_t> length_;
  std::vector<Demand> demands_;  ///< first_demand_[i] .. first_demand_[i + 1] are those of task i.
  std::vector<std::uint32_t> first_demand_{0};
  std::vector<std::int64_t> capacities_;
  std::vector<std::uint32_t> indegree_;
  Adjacency successors_;
  std::uint32_t parallel_;

  // Of one drawing.
  std::vector<std::pair<std::int64_t, std::uint32_t>> ranked_;   ///< Less its priority, a task.
  std::vector<std::uint32_t> rank_, waits_for_, ready_;          ///< `ready_` by rank.
  std::vector<std::pair<std::int64_t, std::uint32_t>> running_;  ///< A heap, first end first.
  /// Of a resource: what nobody holds or keeps; and whether somebody keeps what he is short of.
  struct Left {
    std::int64_t free = 0, kept = 0;
    std::int64_t least = 0;  ///< That any task asks for.
    bool has_head = false;

    bool may_serve() const { return free - kept >= least; }
  };
  std::vector<Left> left_;
  std::size_t undemanding_ready_ = 0;  ///< Of those ready: they ask for no resource.
  Sketched sketched_;
};

}  // namespace interlock::schedule
