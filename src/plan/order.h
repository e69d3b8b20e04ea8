#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace interlock::plan {

/// Needs by position: needs[i] are those task i has to follow.
using NeedLists = std::vector<std::vector<std::uint32_t>>;

struct Order {
  std::vector<std::uint32_t> sequence;             ///< Positions in plan order; a cycle is cut where it closes.
  std::vector<std::vector<std::uint32_t>> cycles;  ///< Each from its first member on, every one needing the next.
};

/// The order that keeps to the document's and only moves needed tasks ahead of those that need them.
/// Linear in tasks and needs.
Order order_of(const NeedLists& needs);

}  // namespace interlock::plan
