#include "schedule/adjacency.h"

#include <numeric>

#include "base/check.h"

namespace interlock::schedule {

Adjacency Adjacency::successors(std::size_t jobs, std::span<const Link> links) {
  return {jobs, links, &Link::before, &Link::after};
}

Adjacency Adjacency::predecessors(std::size_t jobs, std::span<const Link> links) {
  return {jobs, links, &Link::after, &Link::before};
}

void Adjacency::add_successors(std::size_t jobs, std::span<const Link> links) {
  add(jobs, links, &Link::before, &Link::after);
}

void Adjacency::add_predecessors(std::size_t jobs, std::span<const Link> links) {
  add(jobs, links, &Link::after, &Link::before);
}

void Adjacency::add(std::size_t jobs, std::span<const Link> links, TaskId Link::* from,
                    TaskId Link::* to) {
  const std::size_t before = first_.size() - 1;
  first_.resize(first_.size() + jobs, first_.back());
  for (const Link& link : links) {
    check(link.before < link.after && link.after.index() >= before &&
              link.after.index() < before + jobs,
          "what is added follows what was there");
    const TaskId own = link.*from;
    auto found = grown_.find(own.index());
    if (found == grown_.end()) {
      const auto old = of(own);
      found = grown_.emplace(own.index(), std::vector<Neighbour>(old.begin(), old.end())).first;
    }
    found->second.push_back({(link.*to).index() & 0x7fff'ffffu, link.needs});
  }
}

Adjacency::Adjacency(std::size_t jobs, std::span<const Link> links, TaskId Link::* from,
                     TaskId Link::* to)
    : first_(jobs + 1), neighbours_(links.size()) {
  for (const Link& link : links) {
    check(link.before < link.after && link.after.index() < jobs,
          "a link leads from an earlier to a later task");
    ++first_[(link.*from).index() + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (const Link& link : links) {
    neighbours_[next[(link.*from).index()]++] = {(link.*to).index() & 0x7fff'ffffu, link.needs};
  }
}

}  // namespace interlock::schedule
