#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "quota/account.h"

namespace interlock::gateway {

/// What this gateway took of a quota, call by call, to tell why a provider refuses what its buckets
/// have room for. The last 65,536 calls, so that it may fall short, but never says too much.
class UsedLately {
 public:
  void add(const quota::Cost& reserved, quota::Moment now);
  /// `actual` in the place of what was reserved.
  void settle(const quota::Cost& reserved, const quota::Cost& actual);
  /// The provider refused it, and so did not count it.
  void drop(const quota::Cost& reserved);

  struct Passed {
    std::string_view what;  ///< `requests`, `input tokens`, `output tokens`.
    std::int64_t used = 0;
    Rate rate;
  };
  /// A rate of which more than its amount was taken in its time until `now`, the latest call
  /// included.
  std::optional<Passed> passed(const quota::Limits& limits, quota::Moment now) const;

 private:
  struct One {
    quota::Moment at{};
    quota::Cost cost;
    bool is_settled = false;
  };
  std::deque<One>::iterator find(const quota::Cost& reserved);

  std::deque<One> calls_;  ///< Oldest first.
};

}  // namespace interlock::gateway
