#include "quota/ratios.h"

#include <bit>
#include <cmath>

namespace interlock::quota {
namespace {

struct Spread {
  float mean = 0;
  float deviation = 0;
};

std::uint64_t packed(Spread spread) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(spread.mean)} << 32 |
         std::bit_cast<std::uint32_t>(spread.deviation);
}

Spread unpacked(std::uint64_t word) {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)),
          std::bit_cast<float>(static_cast<std::uint32_t>(word))};
}

/// FNV-1a: the same in every process. Never 0.
std::uint64_t hash_of(std::string_view model) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : model) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash | 1;
}

Ratio* find(Layout& layout, std::uint64_t model) {
  for (std::size_t i = 0; i < kModels; ++i) {
    Ratio& ratio = layout.ratios[(model / 2 + i) % kModels];
    const std::uint64_t there = at(ratio.model).load();
    if (there == model) return &ratio;
    if (there == 0) return nullptr;
  }
  return nullptr;
}

/// A free place, or, when all are taken, the first choice of this model: what is forgotten is
/// learned anew.
Ratio& place_for(Layout& layout, std::uint64_t model) {
  for (std::size_t i = 0; i < kModels; ++i) {
    Ratio& ratio = layout.ratios[(model / 2 + i) % kModels];
    std::uint64_t nobody = 0;
    if (at(ratio.model).compare_exchange_strong(nobody, model) || nobody == model) return ratio;
  }
  Ratio& first = layout.ratios[model / 2 % kModels];
  at(first.value).store(0);
  at(first.model).store(model);
  return first;
}

}  // namespace

std::optional<double> ratio_of(Layout& layout, std::string_view model) {
  Ratio* const ratio = find(layout, hash_of(model));
  if (ratio == nullptr) return {};
  const Spread spread = unpacked(at(ratio->value).load());
  const double estimate = double{spread.mean} + double{spread.deviation};
  if (!std::isfinite(estimate) || spread.mean <= 0) return {};
  return estimate;
}

void learn_ratio(Layout& layout, std::string_view model, double ratio) {
  Ratio& place = place_for(layout, hash_of(model));
  std::uint64_t was = at(place.value).load();
  Spread next;
  do {
    const Spread spread = unpacked(was);
    const auto seen = static_cast<float>(ratio);
    if (!(spread.mean > 0)) {
      next = {seen, seen / 16};
    } else {
      next.deviation = spread.deviation + (std::fabs(seen - spread.mean) - spread.deviation) / 4;
      next.mean = spread.mean + (seen - spread.mean) / 8;
    }
  } while (!at(place.value).compare_exchange_weak(was, packed(next)));
}

}  // namespace interlock::quota
