#pragma once

#include "quota/account.h"
#include "quota/layout.h"

namespace interlock::quota {

/// The safety belt: how many at a time, should the arithmetic be wrong about the provider. Additive
/// increase, multiplicative decrease; off until the first refusal.
class AimdLimit {
 public:
  explicit AimdLimit(Layout& layout) : layout_(&layout) {}

  /// Declared, and what the AIMD limit leaves of it.
  std::int64_t allowed() const;
  bool is_limited() const;
  /// Times 0.8, once for all refusals within `cooldown`.
  void cut(std::int64_t in_flight, Duration cooldown, Moment now);
  /// A twentieth more, once as many as are allowed went well, while they are in use. True when one
  /// more fits now.
  bool loosen(std::int64_t in_flight);

 private:
  Layout* layout_;
};

}  // namespace interlock::quota
