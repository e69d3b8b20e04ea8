#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace interlock::sim {

/// All chance of a simulated world. The engine of the standard is the same everywhere; its
/// distributions are not, so none is used.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  /// In thousandths, so that rare things can be asked for.
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }
  template <typename T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace interlock::sim
