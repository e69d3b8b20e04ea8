#include "quota/seats.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "quota/gcra.h"

namespace interlock::quota {
namespace {

std::int64_t interval_of(const std::optional<Rate>& rate) {
  return rate ? quota::interval_of(*rate) : 0;
}

void empty(Seat& seat) {
  at(seat.ticket).store(0);
  for (std::int64_t& interval : seat.interval) at(interval).store(0);
  at(seat.concurrency).store(0);
  at(seat.burst).store(0);
  at(seat.window).store(0);
  at(seat.owner).store(0);
}

/// The stricter of two where 0 is none.
std::int64_t smaller(std::int64_t one, std::int64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

Result<void> Seats::sit_down(const Limits& limits, const IsLiving& is_living, Moment now) {
  for (std::size_t i = 0; i < kSeats; ++i) {
    Seat& seat = layout_->seats[i];
    const Owner owner = at(seat.owner).load();
    if (owner != 0 && owner != self_ && !is_living(owner)) empty(seat);
    if (index_ == kSeats && at(seat.owner).load() == 0) index_ = i;
  }
  if (index_ == kSeats) {
    return fail(
        Error::Kind::refused,
        fmt::format("the account is open {} times already, which is all it has room for", kSeats),
        "end some of the runs that use it");
  }
  Seat& seat = mine();
  const std::array<std::int64_t, kDimensions> intervals{
      interval_of(limits.requests), interval_of(limits.input_tokens),
      interval_of(limits.output_tokens), interval_of(limits.usd), interval_of(limits.tokens)};
  for (std::size_t d = 0; d < kDimensions; ++d) at(seat.interval[d]).store(intervals[d]);
  at(seat.concurrency).store(limits.concurrency.value_or(0));
  at(seat.burst).store(std::chrono::nanoseconds(limits.burst).count());
  const Duration window = limits.counts_windows ? limits.window() : Duration{};
  at(seat.window).store(std::chrono::nanoseconds(window).count());
  // In a file that was just made nobody has used anything that its times do not tell.
  const bool is_used = at(layout_->seat_top).load() > 0;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const bool is_first =
        at(layout_->declared[d]).load() == 0 && at(layout_->learned[d]).load() == 0;
    // What was used while nobody counted is not known.
    if (is_used && is_first && intervals[d] != 0)
      raise_to(layout_->arrival[d], now.count() + at(layout_->burst).load());
  }
  raise_to(layout_->seat_top, static_cast<std::int64_t>(index_) + 1);
  at(seat.owner).store(self_);
  declare_strictest();
  return {};
}

void Seats::give_up() {
  check(index_ < kSeats, "a seat is given up once");
  empty(mine());
  index_ = kSeats;
  ticket_ = 0;
  declare_strictest();
}

void Seats::declare_strictest() {
  std::array<std::int64_t, kDimensions> intervals{};
  std::int64_t concurrency = 0;
  std::int64_t burst = 0;
  std::int64_t window = 0;
  bool is_open = false;
  for (Seat& seat : used_seats(*layout_)) {
    if (at(seat.owner).load() == 0) continue;
    is_open = true;
    for (std::size_t d = 0; d < kDimensions; ++d)
      intervals[d] = std::max(intervals[d], at(seat.interval[d]).load());
    concurrency = smaller(concurrency, at(seat.concurrency).load());
    burst = smaller(burst, at(seat.burst).load());
    window = smaller(window, at(seat.window).load());
  }
  // With nobody there, nothing is used: who comes next finds what was counted last.
  if (!is_open) return;
  for (std::size_t d = 0; d < kDimensions; ++d) at(layout_->declared[d]).store(intervals[d]);
  at(layout_->concurrency).store(concurrency);
  at(layout_->window).store(window);
  at(layout_->burst).store(burst);
}

void Seats::stand() {
  if (ticket_ != 0) return;
  ticket_ = at(layout_->tickets).fetch_add(1) + 1;
  at(mine().due).store(kNever);
  at(mine().ticket).store(ticket_);
}

void Seats::leave() {
  ticket_ = 0;
  at(mine().ticket).store(0);
}

void Seats::expect(std::optional<Moment> due) { at(mine().due).store(due ? due->count() : kNever); }

std::optional<Seats::Before> Seats::who_is_before(const IsLiving& is_living, Moment now) {
  std::uint64_t passed = 0;  // tickets up to here are passed over
  while (true) {
    Seat* first = nullptr;
    std::uint64_t least = ticket_;
    for (Seat& seat : used_seats(*layout_)) {
      const std::uint64_t ticket = at(seat.ticket).load();
      if (ticket <= passed || (least != 0 && ticket >= least)) continue;
      least = ticket;
      first = &seat;
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

std::uint32_t Seats::in_line() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      used_seats(*layout_), [](Seat& seat) { return at(seat.ticket).load() != 0; }));
}

}  // namespace interlock::quota
