#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "schedule/rate_gate.h"
#include "schedule/scheduler.h"

namespace interlock::schedule {

/// A task's place in the order of choice: the lowest goes first.
using Rank = std::uint32_t;
using RankQueue = std::priority_queue<Rank, std::vector<Rank>, std::greater<>>;

/// What is free of every resource, for whom it is kept, and who is parked because it was short.
///
/// A task that found a resource short is parked in that resource's queue, so that it is not looked
/// at again before something changes there. The head of a queue keeps all it asks for, of every
/// resource: lower ranks take only what is beyond that. The others in a queue need not keep
/// anything: what stops the head stops them as well.
class ResourcePool {
 public:
  ResourcePool(const Problem& problem, const std::vector<Rank>& rank_of,
               const std::vector<TaskId>& by_rank, Time now);

  void add(std::size_t tasks) { place_of_.resize(place_of_.size() + tasks); }

  /// Why `task` could not take what it asks for now, if anything.
  std::optional<WaitReason> obstacle(TaskId task, Time now) const;
  /// Takes it, whether it is there or not (an adopted attempt has it already).
  void take(TaskId task, Time now);
  /// It holds what it asks for, and drew nothing.
  void hold(TaskId task);
  /// Gives back what is held, and settles what was drawn.
  void give_back(TaskId task, std::span<const Cost> actual, Time now);
  void raise_floor(ResourceId quota, Time until) { gate_.raise_floor(quota, until); }

  // Parking. A woken task is to be tried, and then parked again, or `resolve`d.

  void park(TaskId task, const WaitReason& reason);
  /// It was tried and started, or is no longer to be tried.
  void resolve(TaskId task);
  bool is_parked(TaskId task) const { return place_of_[task.index()].parked; }
  /// Wakes the heads of queues whose moment has come.
  void wake_due(Time now);
  /// The tasks woken since the last call, to be tried again.
  std::vector<TaskId> take_woken();
  /// The next moment at which a quota admits the head of its queue.
  std::optional<Time> next_due() const;

 private:
  /// What the head of a queue keeps of one resource.
  struct Kept {
    Rank rank = 0;
    std::int64_t amount = 0;
    bool costs = false;  ///< Keeps the quota's next admission.
  };
  struct ResourceQueue {
    std::int64_t free = 0;
    std::vector<Kept> kept;     ///< By rank.
    RankQueue parked;           ///< May hold tasks that have left; `prune` drops them.
    std::optional<Rank> head;   ///< The one that keeps what it asks for.
    std::optional<Time> until;  ///< When a quota admits the head.
  };
  struct Place {
    std::uint32_t queue = kNowhere;
    bool parked = false;  ///< Else it was woken from there and not tried yet.
  };
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  ResourceQueue& queue(ResourceId resource) { return queues_[resource.index()]; }
  const ResourceQueue& queue(ResourceId resource) const { return queues_[resource.index()]; }
  const Job& job(Rank rank) const { return problem_->jobs[(*by_rank_)[rank].index()]; }
  void keep(Rank rank);
  void unkeep(Rank rank);
  void prune(std::uint32_t queue_index);
  /// Takes the head of the queue out, to be tried, unless it goes before `after`: nothing a task
  /// does lets a higher one start, and so each head is tried at most once per choice.
  void wake(std::uint32_t queue_index, std::optional<Rank> after);
  void wake_all_of(const Job& job, std::uint32_t except, std::optional<Rank> after);

  const Problem* problem_;
  const std::vector<Rank>* rank_of_;
  const std::vector<TaskId>* by_rank_;
  RateGate gate_;
  std::vector<ResourceQueue> queues_;
  std::vector<std::uint32_t> quotas_;  ///< The shelves that have rates.
  std::vector<Place> place_of_;        ///< By task.
  std::vector<TaskId> woken_;
};

}  // namespace interlock::schedule
