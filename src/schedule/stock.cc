#include "schedule/stock.h"

#include <algorithm>
#include <utility>

namespace interlock::schedule {

Stock::Stock(const Problem& problem, const std::vector<Rank>& rank_of,
             const std::vector<TaskId>& by_rank, Time now)
    : problem_(&problem),
      rank_of_(&rank_of),
      by_rank_(&by_rank),
      gate_(problem.quotas, now),
      shelves_(problem.capacities.size()),
      place_of_(problem.jobs.size()) {
  for (std::uint32_t i = 0; i < shelves_.size(); ++i) {
    shelves_[i].free = problem.capacities[i];
    if (problem.quotas[i].limits()) quotas_.push_back(i);
  }
}

std::optional<Hold> Stock::obstacle(TaskId task, Time now) const {
  const Rank rank = (*rank_of_)[task.index()];
  const Job& asks = problem_->jobs[task.index()];
  for (const Demand& demand : asks.demands) {
    const Shelf& at = shelf(demand.resource);
    std::int64_t free = at.free;
    if (free < demand.amount) return Hold{.why = Hold::Why::capacity, .resource = demand.resource};
    for (const Kept& kept : at.kept) {
      if (kept.rank >= rank) break;
      free -= kept.amount;
      if (free < demand.amount) {
        return Hold{.why = Hold::Why::reserved,
                    .task = (*by_rank_)[kept.rank],
                    .resource = demand.resource};
      }
    }
  }
  for (const Draw& draw : asks.draws) {
    for (const Kept& kept : shelf(draw.quota).kept) {
      if (kept.rank >= rank) break;
      if (kept.draws)
        return Hold{
            .why = Hold::Why::reserved, .task = (*by_rank_)[kept.rank], .resource = draw.quota};
    }
  }
  const Time at = gate_.admits_at(asks.draws, now);
  if (at <= now) return std::nullopt;
  const auto binding = std::ranges::find_if(asks.draws, [&](const Draw& draw) {
    return gate_.admits_at(std::span(&draw, 1), now) == at;
  });
  return Hold{.why = Hold::Why::quota, .resource = binding->quota, .until = at};
}

void Stock::take(TaskId task, Time now) {
  const Job& takes = problem_->jobs[task.index()];
  for (const Demand& demand : takes.demands) shelf(demand.resource).free -= demand.amount;
  gate_.take(takes.draws, now);
}

void Stock::give_back(TaskId task, std::span<const Draw> actual, Time now) {
  const Job& gives = problem_->jobs[task.index()];
  for (const Demand& demand : gives.demands) shelf(demand.resource).free += demand.amount;
  gate_.settle(gives.draws, actual, now);
  wake_all_of(gives, kNowhere, std::nullopt);
}

void Stock::keep(Rank rank) {
  const auto add = [&](ResourceId resource, std::int64_t amount, bool draws) {
    auto& kept = shelf(resource).kept;
    kept.insert(std::ranges::upper_bound(kept, rank, {}, &Kept::rank), {rank, amount, draws});
  };
  for (const Demand& demand : job(rank).demands) add(demand.resource, demand.amount, false);
  for (const Draw& draw : job(rank).draws) add(draw.quota, 0, true);
}

void Stock::unkeep(Rank rank) {
  const auto drop = [&](ResourceId resource) {
    std::erase_if(shelf(resource).kept, [&](const Kept& kept) { return kept.rank == rank; });
  };
  for (const Demand& demand : job(rank).demands) drop(demand.resource);
  for (const Draw& draw : job(rank).draws) drop(draw.quota);
}

void Stock::park(TaskId task, const Hold& hold) {
  const Rank rank = (*rank_of_)[task.index()];
  const std::uint32_t here = hold.resource->index();
  const Place before = place_of_[task.index()];
  place_of_[task.index()] = {.shelf = here, .parked = true};
  Shelf& at = shelves_[here];
  at.parked.push(rank);
  const bool leads = !at.head || rank < *at.head;
  if (leads) {
    const std::optional<Rank> displaced = std::exchange(at.head, rank);
    at.until = hold.until;
    keep(rank);
    if (displaced) {
      unkeep(*displaced);
      wake_all_of(job(*displaced), here, rank);
    }
  }
  // What it kept while it led another queue, others may have now.
  const bool moved = before.shelf != kNowhere && (before.shelf != here || !leads);
  if (moved) wake_all_of(problem_->jobs[task.index()], here, rank);
}

void Stock::resolve(TaskId task) {
  const Place before = std::exchange(place_of_[task.index()], Place{});
  if (before.shelf == kNowhere) return;
  const Rank rank = (*rank_of_)[task.index()];
  if (!before.parked) {
    // It was woken: the next in that queue may be content with what is left, and so may the next of
    // its quotas.
    wake(before.shelf, rank);
    for (const Draw& draw : problem_->jobs[task.index()].draws) wake(draw.quota.index(), rank);
    return;
  }
  Shelf& left = shelves_[before.shelf];
  if (left.head != rank) return;
  left.head.reset();
  left.until.reset();
  unkeep(rank);
  wake_all_of(problem_->jobs[task.index()], kNowhere, rank);
}

void Stock::prune(std::uint32_t shelf_index) {
  RankQueue& parked = shelves_[shelf_index].parked;
  const auto has_left = [&](Rank rank) {
    const Place& place = place_of_[(*by_rank_)[rank].index()];
    return !place.parked || place.shelf != shelf_index;
  };
  while (!parked.empty() && has_left(parked.top())) parked.pop();
}

void Stock::wake(std::uint32_t shelf_index, std::optional<Rank> after) {
  prune(shelf_index);
  Shelf& at = shelves_[shelf_index];
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

void Stock::wake_all_of(const Job& freed, std::uint32_t except, std::optional<Rank> after) {
  const auto wake_at = [&](ResourceId resource) {
    if (resource.index() != except) wake(resource.index(), after);
  };
  for (const Demand& demand : freed.demands) wake_at(demand.resource);
  for (const Draw& draw : freed.draws) wake_at(draw.quota);
}

void Stock::wake_due(Time now) {
  for (const std::uint32_t quota : quotas_) {
    if (shelves_[quota].until && *shelves_[quota].until <= now) wake(quota, std::nullopt);
  }
}

std::vector<TaskId> Stock::take_woken() { return std::exchange(woken_, {}); }

std::optional<Time> Stock::next_due() const {
  std::optional<Time> next;
  for (const std::uint32_t quota : quotas_) {
    const auto& until = shelves_[quota].until;
    if (until && (!next || *until < *next)) next = until;
  }
  return next;
}

}  // namespace interlock::schedule
