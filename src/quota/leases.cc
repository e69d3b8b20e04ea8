#include "quota/leases.h"

#include <algorithm>

#include "base/check.h"

namespace interlock::quota {
namespace {

void clear(Lease& lease) {
  for (std::int64_t& lowest : lease.lowest) at(lowest).store(kNever);
}

}  // namespace

std::int64_t Leases::in_flight() const {
  return std::ranges::count_if(used_leases(*layout_),
                               [](Lease& lease) { return at(lease.owner).load() != 0; });
}

void Leases::take_back(const IsLiving& is_living) {
  for (Lease& lease : used_leases(*layout_)) {
    Owner owner = at(lease.owner).load();
    if (owner == 0 || owner == self_ || is_living(owner)) continue;
    clear(lease);
    at(lease.owner).compare_exchange_strong(owner, 0);
  }
}

std::optional<std::uint32_t> Leases::claim() {
  for (std::uint32_t i = 0; i < kLeases; ++i) {
    if (at(layout_->leases[i].owner).load() != 0) continue;
    raise_to(layout_->lease_top, i + 1);  // before, so that nobody overlooks it
    Owner nobody = 0;
    if (!at(layout_->leases[i].owner).compare_exchange_strong(nobody, self_)) continue;
    mine_.push_back(i);
    return i;
  }
  return {};
}

void Leases::release(std::uint32_t lease) {
  const auto found = std::ranges::find(mine_, lease);
  check(found != mine_.end(), "a grant is settled once, by whom it was given");
  mine_.erase(found);
  clear(layout_->leases[lease]);
  at(layout_->leases[lease].owner).store(0);
}

void Leases::release_all() {
  while (!mine_.empty()) release(mine_.back());
}

}  // namespace interlock::quota
