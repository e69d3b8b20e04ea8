#pragma once

#include <cstdint>
#include <cstdlib>

namespace interlock::sim {

/// Which worlds a test makes. A failure prints its seed: SIM_SEED=n runs that one alone,
/// SIM_SEEDS=n that many from a start that CI takes from the commit (SIM_START).
struct Seeds {
  std::uint64_t first, count;
};

inline std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

inline Seeds seeds(std::uint64_t count) {
  if (std::getenv("SIM_SEED") != nullptr) return {number_from("SIM_SEED", 0), 1};
  return {number_from("SIM_START", 1), number_from("SIM_SEEDS", count)};
}

}  // namespace interlock::sim
