#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace interlock::plan {

/// Needs by position: needs[i] are those task i has to follow.
using NeedLists = std::vector<std::vector<std::uint32_t>>;

struct Order {
  static constexpr std::size_t kMostCycles = 50;

  std::vector<std::uint32_t>
      sequence;  ///< Positions in plan order; a cycle is cut where it closes.
  /// Each from its first member on, every one needing the next. No more than `kMostCycles`: telling
  /// them takes time.
  std::vector<std::vector<std::uint32_t>> cycles;
};

/// The order that keeps to the document's and only moves needed tasks ahead of those that need
/// them. Linear in tasks and needs.
Order order_of(const NeedLists& needs);

}  // namespace interlock::plan
