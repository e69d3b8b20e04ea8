#pragma once

#include <optional>
#include <vector>

#include "quota/wait_queue.h"

namespace interlock::quota {

/// Who is in flight. A lease of a dead process is taken back.
class Leases {
 public:
  Leases(Layout& layout, Owner self) : layout_(&layout), self_(self) {}

  std::int64_t in_flight() const;
  /// Frees those of dead processes; those that live are being watched then.
  void take_back(const IsLiving& is_living);
  /// Nothing when all are in use.
  std::optional<std::uint32_t> claim();
  void release(std::uint32_t lease);
  void release_all();

 private:
  Layout* layout_;
  Owner self_;
  std::vector<std::uint32_t> mine_;
};

}  // namespace interlock::quota
