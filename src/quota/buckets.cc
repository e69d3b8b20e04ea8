#include "quota/buckets.h"

#include <algorithm>

#include "quota/gcra.h"

namespace interlock::quota {
namespace {

constexpr Dimension dimension_of(std::size_t index) { return static_cast<Dimension>(index); }

std::int64_t amount_of(const Cost& amounts, std::size_t index) {
  switch (dimension_of(index)) {
    case Dimension::requests: return amounts.requests;
    case Dimension::input_tokens: return amounts.input_tokens;
    case Dimension::output_tokens: return amounts.output_tokens;
    case Dimension::usd: return amounts.usd;
    case Dimension::tokens:
      return std::max<Tokens>(amounts.input_tokens, 0) + std::max<Tokens>(amounts.output_tokens, 0);
  }
  return 0;
}

void lower_to(std::int64_t& word, std::int64_t bound) {
  std::int64_t was = at(word).load();
  while (bound < was && !at(word).compare_exchange_weak(was, bound)) {
  }
}

/// By `amount`, not below 0; what nobody has lowered yet has nothing to lose.
void lower_by(std::int64_t& word, std::int64_t amount) {
  std::int64_t was = at(word).load();
  while (was != kNever &&
         !at(word).compare_exchange_weak(was, std::max<std::int64_t>(was - amount, 0))) {
  }
}

/// Calls `tell` for each lease in flight but one's own.
template <typename Visit>
void each_other(Layout& layout, std::uint32_t own, Visit wake) {
  for (Lease& lease : used_leases(layout)) {
    if (&lease != &layout.leases[own] && at(lease.owner).load() != 0) wake(lease);
  }
}

}  // namespace

std::int64_t Buckets::interval(Dimension dimension) const {
  const auto d = static_cast<std::size_t>(dimension);
  const std::int64_t plain =
      std::max(at(layout_->declared[d]).load(), at(layout_->learned[d]).load());
  return widened(plain, window(), burst());
}

std::int64_t Buckets::window() const {
  const std::int64_t declared = at(layout_->window).load();
  const std::int64_t learned = at(layout_->window_learned).load();
  if (declared <= 0 || learned <= 0) return std::max<std::int64_t>({declared, learned, 0});
  return std::min(declared, learned);
}

/// The provider counts when a call arrives, we when it is admitted: where the first of a burst was
/// long on its way and the last was not, fewer were earned between them there than here. A draw of
/// the whole burst cannot be made later for it without losing rate.
std::int64_t Buckets::fits(std::int64_t arrival, std::int64_t cost) const {
  const std::int64_t spare = std::max<std::int64_t>(burst() - cost, 0);
  return fits_at(arrival, cost, burst(), window() > 0) + std::min(jitter_, spare);
}

std::optional<Buckets::Wait> Buckets::wait_for(const Cost& amounts, Moment now) const {
  std::optional<Wait> longest;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const std::int64_t cost = cost_of(amount_of(amounts, d), interval(dimension_of(d)));
    if (cost == 0) continue;
    const Moment until(fits(at(arrival(d)).load(), cost));
    if (until > now && (!longest || until > longest->until)) longest = {until, dimension_of(d)};
  }
  return longest;
}

bool Buckets::take(const Cost& amounts, std::uint32_t lease, Moment now) {
  std::array<std::int64_t, kDimensions> taken{};
  at(layout_->admissions).fetch_add(1);
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const std::int64_t cost = cost_of(amount_of(amounts, d), interval(dimension_of(d)));
    if (cost == 0) continue;
    if (take_one(d, cost, lease, now)) {
      taken[d] = cost;
      continue;
    }
    // Nobody can have built upon it in a way that this takes from: it only was more than it is.
    for (std::size_t back = 0; back < d; ++back) at(arrival(back)).fetch_sub(taken[back]);
    return false;
  }
  return true;
}

bool Buckets::take_one(std::size_t dimension, std::int64_t cost, std::uint32_t lease, Moment now) {
  std::int64_t was = at(arrival(dimension)).load();
  while (fits(was, cost) <= now.count()) {
    const std::int64_t backlog = std::max<std::int64_t>(was - now.count(), 0);
    each_other(*layout_, lease, [&](Lease& other) { lower_to(other.lowest[dimension], backlog); });
    const std::int64_t next = std::max(was, now.count()) + cost;
    if (at(arrival(dimension)).compare_exchange_weak(was, next)) return true;
  }
  return false;
}

bool Buckets::settle(const Cost& reserved, const Cost& actual, std::uint32_t lease, Moment now) {
  bool roomier = false;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const std::int64_t per_unit = interval(dimension_of(d));
    const std::int64_t was = amount_of(reserved, d);
    const std::int64_t is = amount_of(actual, d);
    if (is > was) {
      // More than was reserved, from now on: it may have been a bucket that was full since.
      raise_to(arrival(d), now.count());
      at(arrival(d)).fetch_add(cost_of(is, per_unit) - cost_of(was, per_unit));
    }
    if (is >= was) continue;
    const std::int64_t excess = cost_of(was, per_unit) - cost_of(is, per_unit);
    if (excess > 0) roomier = give_back(d, excess, lease, now) || roomier;
  }
  return roomier;
}

bool Buckets::give_back(std::size_t dimension, std::int64_t excess, std::uint32_t lease,
                        Moment now) {
  const auto lower_others = [&] {
    each_other(*layout_, lease, [&](Lease& other) { lower_by(other.lowest[dimension], excess); });
  };
  const std::uint64_t before = at(layout_->admissions).load();
  lower_others();
  std::int64_t was = at(arrival(dimension)).load();
  std::int64_t back = 0;
  do {
    const std::int64_t lowest = at(layout_->leases[lease].lowest[dimension]).load();
    back = std::min({excess, lowest, std::max<std::int64_t>(was - now.count(), 0)});
  } while (!at(arrival(dimension)).compare_exchange_weak(was, was - back));
  // Who was admitted meanwhile may have told the others a backlog with the excess in it.
  if (at(layout_->admissions).load() != before) lower_others();
  return back > 0;
}

void Buckets::empty(Dimension dimension, Moment now) {
  raise_to(arrival(static_cast<std::size_t>(dimension)), now.count() + burst());
}

void Buckets::at_most(Dimension dimension, std::int64_t remaining, Moment now) {
  const std::int64_t per_unit = interval(dimension);
  if (per_unit == 0) return;
  const std::int64_t worth = std::min(cost_of(remaining, per_unit), burst());
  raise_to(arrival(static_cast<std::size_t>(dimension)), now.count() + burst() - worth);
}

double Buckets::free(Dimension dimension, Moment now) const {
  const std::int64_t backlog =
      at(arrival(static_cast<std::size_t>(dimension))).load() - now.count();
  const double used = static_cast<double>(backlog) / static_cast<double>(burst());
  return std::clamp(1 - used, 0.0, 1.0);
}

}  // namespace interlock::quota
