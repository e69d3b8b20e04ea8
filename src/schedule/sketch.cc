#include "schedule/sketch.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace interlock::schedule {

Sketch::Sketch(const Problem& problem, std::uint32_t parallel)
    : capacities_(problem.capacities),
      indegree_(problem.jobs.size()),
      successors_(Adjacency::successors(problem.jobs.size(), problem.links)),
      parallel_(parallel),
      ranked_(problem.jobs.size()),
      rank_(problem.jobs.size()) {
  for (const Job& job : problem.jobs) {
    length_.push_back(job.expected.count());
    demands_.insert(demands_.end(), job.demands.begin(), job.demands.end());
    first_demand_.push_back(static_cast<std::uint32_t>(demands_.size()));
  }
  left_.resize(capacities_.size());
  for (Left& left : left_) left.least = kUnlimited;
  for (const Demand& demand : demands_) {
    std::int64_t& least = left_[demand.resource.index()].least;
    least = std::min(least, demand.amount);
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
  for (std::uint32_t i = 0; i < ranked_.size(); ++i) ranked_[i] = {-priorities[i], i};
  std::ranges::sort(ranked_);
  for (std::uint32_t i = 0; i < ranked_.size(); ++i) rank_[ranked_[i].second] = i;
}

void Sketch::make_ready(std::uint32_t task) {
  if (demands_of(task).empty()) ++undemanding_ready_;
  ready_.insert(std::ranges::upper_bound(ready_, rank_[task]), rank_[task]);
}

/// Takes what `task` asks for; or, first of its queue, keeps it.
bool Sketch::starts_now(std::uint32_t task) {
  const std::span<const Demand> demands = demands_of(task);
  for (const Demand& short_of : demands) {
    Left& left = left_[short_of.resource.index()];
    if (left.free - left.kept >= short_of.amount) continue;
    if (!std::exchange(left.has_head, true)) {
      for (const Demand& demand : demands) left_[demand.resource.index()].kept += demand.amount;
    }
    return false;
  }
  for (const Demand& demand : demands) left_[demand.resource.index()].free -= demand.amount;
  return true;
}

void Sketch::start_all(std::int64_t now) {
  for (Left& left : left_) left.kept = 0, left.has_head = false;
  std::size_t left = 0, i = 0;
  for (; i < ready_.size() && running_.size() < parallel_; ++i) {
    const std::uint32_t task = ranked_[ready_[i]].second;
    if (undemanding_ready_ == 0 && std::ranges::none_of(left_, &Left::may_serve)) break;
    if (starts_now(task)) {
      if (demands_of(task).empty()) --undemanding_ready_;
      sketched_.starts[task] = now;
      running_.emplace_back(now + length_[task], task);
      std::ranges::push_heap(running_, std::greater<>());
    } else {
      ready_[left++] = ready_[i];
    }
  }
  ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(left),
               ready_.begin() + static_cast<std::ptrdiff_t>(i));
  sketched_.most = std::max(sketched_.most, static_cast<std::uint32_t>(running_.size()));
}

void Sketch::end_next() {
  const std::int64_t now = sketched_.elapsed = running_.front().first;
  while (!running_.empty() && running_.front().first == now) {
    std::ranges::pop_heap(running_, std::greater<>());
    const std::uint32_t task = running_.back().second;
    running_.pop_back();
    for (const Demand& demand : demands_of(task))
      left_[demand.resource.index()].free += demand.amount;
    for (const Neighbour successor : successors_.of(TaskId(task))) {
      if (--waits_for_[successor.task] == 0) make_ready(successor.task);
    }
  }
}

const Sketched& Sketch::cost(const std::vector<std::int64_t>& priorities) {
  rank(priorities);
  waits_for_ = indegree_;
  for (std::size_t i = 0; i < left_.size(); ++i) left_[i].free = capacities_[i];
  undemanding_ready_ = 0;
  ready_.clear();
  sketched_.elapsed = 0;
  sketched_.most = 0;
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
