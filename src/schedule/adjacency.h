#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "schedule/problem.h"

namespace interlock::schedule {

/// The other end of a link.
struct Neighbour {
  std::uint32_t task : 31;
  std::uint32_t needs : 1;
};

/// Links by one of their ends, in two flat arrays: a million tasks cost a few bytes each.
class Adjacency {
 public:
  static Adjacency successors(std::size_t jobs, std::span<const Link> links);
  static Adjacency predecessors(std::size_t jobs, std::span<const Link> links);

  /// So many more jobs, after all others, and links that lead to them; costs what is new.
  void add_successors(std::size_t jobs, std::span<const Link> links);
  void add_predecessors(std::size_t jobs, std::span<const Link> links);

  /// In the order of the links.
  std::span<const Neighbour> of(TaskId task) const {
    if (!grown_.empty()) {
      if (const auto own = grown_.find(task.index()); own != grown_.end()) return own->second;
    }
    return std::span(neighbours_)
        .subspan(first_[task.index()], first_[task.index() + 1] - first_[task.index()]);
  }

 private:
  Adjacency(std::size_t jobs, std::span<const Link> links, TaskId Link::* from, TaskId Link::* to);
  void add(std::size_t jobs, std::span<const Link> links, TaskId Link::* from, TaskId Link::* to);

  std::vector<std::uint32_t> first_;
  std::vector<Neighbour> neighbours_;
  /// Whole lists of those that got links later, in place of the ones in `neighbours_`.
  std::map<std::uint32_t, std::vector<Neighbour>> grown_;
};

}  // namespace interlock::schedule
