#include "quota/aimd_limit.h"

#include <algorithm>

namespace interlock::quota {
namespace {

constexpr std::int64_t kOne = 1000;  // the AIMD limit counts thousandths
constexpr auto kMost = static_cast<std::int64_t>(kLeases);

}  // namespace

bool AimdLimit::is_limited() const {
  return at(layout_->concurrency).load() != 0 || at(layout_->aimd_limit).load() != 0;
}

std::int64_t AimdLimit::allowed() const {
  std::int64_t allowed = kMost;
  if (const std::int64_t declared = at(layout_->concurrency).load(); declared != 0)
    allowed = std::min(allowed, declared);
  if (const std::int64_t aimd_limit = at(layout_->aimd_limit).load(); aimd_limit != 0)
    allowed = std::min(allowed, std::max<std::int64_t>(aimd_limit / kOne, 1));
  return allowed;
}

void AimdLimit::cut(std::int64_t in_flight, Duration cooldown, Moment now) {
  std::int64_t not_before = at(layout_->aimd_cut).load();
  const std::int64_t next = now.count() + std::chrono::nanoseconds(cooldown).count();
  // Who moves the time is the one who cuts.
  if (now.count() < not_before || !at(layout_->aimd_cut).compare_exchange_strong(not_before, next))
    return;
  std::int64_t was = at(layout_->aimd_limit).load();
  // Off: what was refused is what was in flight, not what might have been.
  const std::int64_t from =
      (was != 0 ? was : std::min(allowed(), std::max<std::int64_t>(in_flight, 1)) * kOne);
  at(layout_->aimd_limit).compare_exchange_strong(was, std::max(from * 8 / 10, kOne));
}

bool AimdLimit::loosen(std::int64_t in_flight) {
  std::int64_t was = at(layout_->aimd_limit).load();
  if (was == 0 || in_flight + 1 < was / kOne) return false;
  // A round is as many answers as are allowed at a time: a twentieth of them, spread over them.
  std::int64_t next = was + kOne / 20;
  const std::int64_t declared = at(layout_->concurrency).load();
  if (next >= (declared != 0 ? declared : kMost) * kOne) next = 0;
  const bool moved = at(layout_->aimd_limit).compare_exchange_strong(was, next);
  return moved && (next == 0 || next / kOne > was / kOne);
}

}  // namespace interlock::quota
