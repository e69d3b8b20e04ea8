#include "schedule/sketch.h"

#include <algorithm>
#include <numeric>

namespace interlock::schedule {

Sketch::Sketch(const Problem& problem, std::uint32_t parallel)
    : capacities_(problem.capacities),
      indegree_(problem.jobs.size()),
      successors_(Adjacency::successors(problem.jobs.size(), problem.links)),
      parallel_(parallel),
      order_(problem.jobs.size()),
      rank_(problem.jobs.size()) {
  for (const Job& job : problem.jobs) {
    length_.push_back(job.expected.count());
    demands_.push_back(job.demands);
  }
  for (const Link& link : problem.links) ++indegree_[link.after.index()];
  sketched_.starts.resize(problem.jobs.size());
}

bool Sketch::can_draw(const Problem& problem) {
  return std::ranges::none_of(problem.jobs, [](const Job& job) {
    return job.exclusive || !job.costs.empty() || job.slowing != kNotSlowed;
  });
}

void Sketch::rank(const std::vector<std::int64_t>& priorities) {
  std::iota(order_.begin(), order_.end(), 0u);
  std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
    return priorities[a] != priorities[b] ? priorities[a] > priorities[b] : a < b;
  });
  for (std::uint32_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = i;
}

void Sketch::make_ready(std::uint32_t task) {
  ready_.insert(std::ranges::upper_bound(ready_, rank_[task]), rank_[task]);
}

/// Takes what `task` asks for; or, first of its queue, keeps it.
bool Sketch::starts_now(std::uint32_t task) {
  for (const Demand& short_of : demands_[task]) {
    const std::uint32_t resource = short_of.resource.index();
    if (free_[resource] - kept_[resource] >= short_of.amount) continue;
    if (!has_head_[resource]) {
      has_head_[resource] = true;
      for (const Demand& demand : demands_[task]) kept_[demand.resource.index()] += demand.amount;
    }
    return false;
  }
  for (const Demand& demand : demands_[task]) free_[demand.resource.index()] -= demand.amount;
  return true;
}

void Sketch::start_all(std::int64_t now) {
  kept_.assign(capacities_.size(), 0);
  has_head_.assign(capacities_.size(), false);
  std::size_t left = 0;
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    const std::uint32_t task = order_[ready_[i]];
    if (running_.size() < parallel_ && starts_now(task)) {
      sketched_.starts[task] = now;
      running_.emplace_back(now + length_[task], task);
      std::ranges::push_heap(running_, std::greater<>());
    } else {
      ready_[left++] = ready_[i];
    }
  }
  ready_.resize(left);
}

void Sketch::end_next() {
  const std::int64_t now = sketched_.elapsed = running_.front().first;
  while (!running_.empty() && running_.front().first == now) {
    std::ranges::pop_heap(running_, std::greater<>());
    const std::uint32_t task = running_.back().second;
    running_.pop_back();
    for (const Demand& demand : demands_[task]) free_[demand.resource.index()] += demand.amount;
    for (const Neighbour successor : successors_.of(TaskId(task))) {
      if (--waits_for_[successor.task] == 0) make_ready(successor.task);
    }
  }
}

const Sketched& Sketch::cost(const std::vector<std::int64_t>& priorities) {
  rank(priorities);
  waits_for_ = indegree_;
  free_ = capacities_;
  ready_.clear();
  sketched_.elapsed = 0;
  for (std::uint32_t i = 0; i < indegree_.size(); ++i) {
    if (indegree_[i] == 0) make_ready(i);
  }
  start_all(0);
  while (!running_.empty()) {
    end_next();
    start_all(sketched_.elapsed);
  }
  return sketched_;
}

}  // namespace interlock::schedule
