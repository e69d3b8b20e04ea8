#pragma once

#include <cstdint>
#include <vector>

#include "schedule/adjacency.h"
#include "schedule/problem.h"

namespace interlock::schedule {

/// When each task starts, by TaskId, and how long it all takes.
struct Sketched {
  std::vector<std::int64_t> starts;  ///< In microseconds.
  std::int64_t elapsed = 0;
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

  std::vector<std::int64_t> length_;
  std::vector<std::vector<Demand>> demands_;
  std::vector<std::int64_t> capacities_;
  std::vector<std::uint32_t> indegree_;
  Adjacency successors_;
  std::uint32_t parallel_;

  // Of one drawing.
  std::vector<std::uint32_t> order_, rank_, waits_for_, ready_;  ///< `ready_` by rank.
  std::vector<std::pair<std::int64_t, std::uint32_t>> running_;  ///< A heap, first end first.
  std::vector<std::int64_t> free_, kept_;
  std::vector<bool> has_head_;
  Sketched sketched_;
};

}  // namespace interlock::schedule
