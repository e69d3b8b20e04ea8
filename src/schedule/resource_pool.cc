#include "schedule/resource_pool.h"

#include <algorithm>
#include <utility>

namespace interlock::schedule {

ResourcePool::ResourcePool(const Problem& problem, const std::vector<Rank>& rank_of,
                           const std::vector<TaskId>& by_rank, Time now)
    : problem_(&problem),
      rank_of_(&rank_of),
      by_rank_(&by_rank),
      gate_(problem.quotas, now),
      queues_(problem.capacities.size()),
      place_of_(problem.jobs.size()) {
  for (std::uint32_t i = 0; i < queues_.size(); ++i) {
    queues_[i].free = problem.capacities[i];
    if (problem.quotas[i].limits()) quotas_.push_back(i);
  }
}

std::optional<WaitReason> ResourcePool::obstacle(TaskId task, Time now) const {
  const Rank rank = (*rank_of_)[task.index()];
  const Job& asks = problem_->jobs[task.index()];
  for (const Demand& demand : asks.demands) {
    const ResourceQueue& at = queue(demand.resource);
    std::int64_t free = at.free;
    if (free < demand.amount)
      return WaitReason{.why = WaitReason::Why::capacity, .resource = demand.resource};
    for (const Kept& kept : at.kept) {
      if (kept.rank >= rank) break;
      free -= kept.amount;
      if (free < demand.amount) {
        return WaitReason{.why = WaitReason::Why::reserved,
                          .task = (*by_rank_)[kept.rank],
                          .resource = demand.resource};
      }
    }
  }
  for (const Cost& cost : asks.costs) {
    for (const Kept& kept : queue(cost.quota).kept) {
      if (kept.rank >= rank) break;
      if (kept.costs)
        return WaitReason{.why = WaitReason::Why::reserved,
                          .task = (*by_rank_)[kept.rank],
                          .resource = cost.quota};
    }
  }
  const Time at = gate_.admits_at(asks.costs, now);
  if (at <= now) return std::nullopt;
  const auto binding = std::ranges::find_if(asks.costs, [&](const Cost& cost) {
    return gate_.admits_at(std::span(&cost, 1), now) == at;
  });
  return WaitReason{.why = WaitReason::Why::quota, .resource = binding->quota, .until = at};
}

void ResourcePool::take(TaskId task, Time now) {
  hold(task);
  gate_.take(problem_->jobs[task.index()].costs, now);
}

void ResourcePool::hold(TaskId task) {
  for (const Demand& demand : problem_->jobs[task.index()].demands)
    queue(demand.resource).free -= demand.amount;
}

void ResourcePool::give_back(TaskId task, std::span<const Cost> actual, Time now) {
  const Job& gives = problem_->jobs[task.index()];
  for (const Demand& demand : gives.demands) queue(demand.resource).free += demand.amount;
  gate_.settle(gives.costs, actual, now);
  wake_all_of(gives, kNowhere, std::nullopt);
}

void ResourcePool::keep(Rank rank) {
  const auto add = [&](ResourceId resource, std::int64_t amount, bool costs) {
    auto& kept = queue(resource).kept;
    kept.insert(std::ranges::upper_bound(kept, rank, {}, &Kept::rank), {rank, amount, costs});
  };
  for (const Demand& demand : job(rank).demands) add(demand.resource, demand.amount, false);
  for (const Cost& cost : job(rank).costs) add(cost.quota, 0, true);
}

void ResourcePool::unkeep(Rank rank) {
  const auto drop = [&](ResourceId resource) {
    std::erase_if(queue(resource).kept, [&](const Kept& kept) { return kept.rank == rank; });
  };
  for (const Demand& demand : job(rank).demands) drop(demand.resource);
  for (const Cost& cost : job(rank).costs) drop(cost.quota);
}

void ResourcePool::park(TaskId task, const WaitReason& reason) {
  const Rank rank = (*rank_of_)[task.index()];
  const std::uint32_t here = reason.resource->index();
  const Place before = place_of_[task.index()];
  place_of_[task.index()] = {.queue = here, .parked = true};
  ResourceQueue& at = queues_[here];
  at.parked.push(rank);
  const bool leads = !at.head || rank < *at.head;
  if (leads) {
    const std::optional<Rank> displaced = std::exchange(at.head, rank);
    at.until = reason.until;
    keep(rank);
    if (displaced) {
      unkeep(*displaced);
      wake_all_of(job(*displaced), here, rank);
    }
  }
  // What it kept while it led another queue, others may have now.
  const bool moved = before.queue != kNowhere && (before.queue != here || !leads);
  if (moved) wake_all_of(problem_->jobs[task.index()], here, rank);
}

void ResourcePool::resolve(TaskId task) {
  const Place before = std::exchange(place_of_[task.index()], Place{});
  if (before.queue == kNowhere) return;
  const Rank rank = (*rank_of_)[task.index()];
  if (!before.parked) {
    // It was woken: the next in that queue may be content with what is left, and so may the next of
    // its quotas.
    wake(before.queue, rank);
    for (const Cost& cost : problem_->jobs[task.index()].costs) wake(cost.quota.index(), rank);
    return;
  }
  ResourceQueue& left = queues_[before.queue];
  if (left.head != rank) return;
  left.head.reset();
  left.until.reset();
  unkeep(rank);
  wake_all_of(problem_->jobs[task.index()], kNowhere, rank);
}

void ResourcePool::prune(std::uint32_t queue_index) {
  RankQueue& parked = queues_[queue_index].parked;
  const auto has_left = [&](Rank rank) {
    const Place& place = place_of_[(*by_rank_)[rank].index()];
    return !place.parked || place.queue != queue_index;
  };
  while (!parked.empty() && has_left(parked.top())) parked.pop();
}

void ResourcePool::wake(std::uint32_t queue_index, std::optional<Rank> after) {
  prune(queue_index);
  ResourceQueue& at = queues_[queue_index];
  if (at.parked.empty() || (after && at.parked.top() < *after)) return;
  const Rank rank = at.parked.top();
  at.parked.pop();
  if (at.head == rank) {
    at.head.reset();
    at.until.reset();
    unkeep(rank);
  }
  const TaskId task = (*by_rank_)[rank];
  place_of_[task.index()].parked = false;
  woken_.push_back(task);
}

void ResourcePool::wake_all_of(const Job& freed, std::uint32_t except, std::optional<Rank> after) {
  const auto wake_at = [&](ResourceId resource) {
    if (resource.index() != except) wake(resource.index(), after);
  };
  for (const Demand& demand : freed.demands) wake_at(demand.resource);
  for (const Cost& cost : freed.costs) wake_at(cost.quota);
}

void ResourcePool::wake_due(Time now) {
  for (const std::uint32_t quota : quotas_) {
    if (queues_[quota].until && *queues_[quota].until <= now) wake(quota, std::nullopt);
  }
}

std::vector<TaskId> ResourcePool::take_woken() { return std::exchange(woken_, {}); }

std::optional<Time> ResourcePool::next_due() const {
  std::optional<Time> next;
  for (const std::uint32_t quota : quotas_) {
    const auto& until = queues_[quota].until;
    if (until && (!next || *until < *next)) next = until;
  }
  return next;
}

}  // namespace interlock::schedule
