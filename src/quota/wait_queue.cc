#include "quota/wait_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "quota/gcra.h"

namespace interlock::quota {
namespace {

std::int64_t interval_of(const std::optional<Rate>& rate) {
  return rate ? quota::interval_of(*rate) : 0;
}

void empty(QueueSlot& slot) {
  at(slot.ticket).store(0);
  for (std::int64_t& interval : slot.interval) at(interval).store(0);
  at(slot.concurrency).store(0);
  at(slot.burst).store(0);
  at(slot.owner).store(0);
}

/// The stricter of two where 0 is none.
std::int64_t smaller(std::int64_t one, std::int64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

Result<void> WaitQueue::register_self(const Limits& limits, const IsLiving& is_living, Moment now) {
  for (std::size_t i = 0; i < kQueueSlots; ++i) {
    QueueSlot& slot = layout_->queue_slots[i];
    const Owner owner = at(slot.owner).load();
    if (owner != 0 && owner != self_ && !is_living(owner)) empty(slot);
    if (index_ == kQueueSlots && at(slot.owner).load() == 0) index_ = i;
  }
  if (index_ == kQueueSlots) {
    return fail(Error::Kind::refused,
                fmt::format("the account is open {} times already, which is all it has room for",
                            kQueueSlots),
                "end some of the runs that use it");
  }
  QueueSlot& slot = mine();
  const std::array<std::int64_t, kDimensions> intervals{
      interval_of(limits.requests), interval_of(limits.input_tokens),
      interval_of(limits.output_tokens), interval_of(limits.usd), interval_of(limits.tokens)};
  for (std::size_t d = 0; d < kDimensions; ++d) at(slot.interval[d]).store(intervals[d]);
  at(slot.concurrency).store(limits.concurrency.value_or(0));
  at(slot.burst).store(std::chrono::nanoseconds(limits.burst).count());
  // In a file that was just made nobody has used anything that its times do not tell.
  const bool is_used = at(layout_->slot_top).load() > 0;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const bool is_first =
        at(layout_->declared[d]).load() == 0 && at(layout_->learned[d]).load() == 0;
    // What was used while nobody counted is not known.
    if (is_used && is_first && intervals[d] != 0)
      raise_to(layout_->arrival[d], now.count() + at(layout_->burst).load());
  }
  raise_to(layout_->slot_top, static_cast<std::int64_t>(index_) + 1);
  at(slot.owner).store(self_);
  declare_strictest();
  return {};
}

void WaitQueue::unregister() {
  check(index_ < kQueueSlots, "a seat is given up once");
  empty(mine());
  index_ = kQueueSlots;
  ticket_ = 0;
  declare_strictest();
}

void WaitQueue::declare_strictest() {
  std::array<std::int64_t, kDimensions> intervals{};
  std::int64_t concurrency = 0;
  std::int64_t burst = 0;
  bool is_open = false;
  for (QueueSlot& slot : used_slots(*layout_)) {
    if (at(slot.owner).load() == 0) continue;
    is_open = true;
    for (std::size_t d = 0; d < kDimensions; ++d)
      intervals[d] = std::max(intervals[d], at(slot.interval[d]).load());
    concurrency = smaller(concurrency, at(slot.concurrency).load());
    burst = smaller(burst, at(slot.burst).load());
  }
  // With nobody there, nothing is used: who comes next finds what was counted last.
  if (!is_open) return;
  for (std::size_t d = 0; d < kDimensions; ++d) at(layout_->declared[d]).store(intervals[d]);
  at(layout_->concurrency).store(concurrency);
  at(layout_->burst).store(burst);
}

void WaitQueue::join() {
  if (ticket_ != 0) return;
  ticket_ = at(layout_->tickets).fetch_add(1) + 1;
  at(mine().due).store(kNever);
  at(mine().ticket).store(ticket_);
}

void WaitQueue::leave() {
  ticket_ = 0;
  at(mine().ticket).store(0);
}

void WaitQueue::expect(std::optional<Moment> due) {
  at(mine().due).store(due ? due->count() : kNever);
}

std::optional<WaitQueue::Before> WaitQueue::who_is_before(const IsLiving& is_living, Moment now) {
  std::uint64_t passed = 0;  // tickets up to here are passed over
  while (true) {
    QueueSlot* first = nullptr;
    std::uint64_t least = ticket_;
    for (QueueSlot& slot : used_slots(*layout_)) {
      const std::uint64_t ticket = at(slot.ticket).load();
      if (ticket <= passed || (least != 0 && ticket >= least)) continue;
      least = ticket;
      first = &slot;
    }
    if (first == nullptr) return {};
    const Owner owner = at(first->owner).load();
    const std::int64_t due = at(first->due).load();
    if (at(first->ticket).load() != least) continue;  // it left, and the seat may be another's
    if (owner == 0 || (owner != self_ && !is_living(owner))) {
      at(first->ticket).compare_exchange_strong(least, 0);
      continue;
    }
    const bool may_be_late = due == kNever || Moment(due) < now;
    if (owner == self_ || !may_be_late || !is_stopped(owner))
      return Before{owner, due == kNever ? std::optional<Moment>() : Moment(due)};
    passed = least;
  }
}

std::uint32_t WaitQueue::in_line() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      used_slots(*layout_), [](QueueSlot& slot) { return at(slot.ticket).load() != 0; }));
}

}  // namespace interlock::quota
