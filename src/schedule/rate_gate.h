#pragma once

#include <optional>
#include <span>
#include <vector>

#include "schedule/problem.h"

namespace interlock::schedule {

/// Admits draws from quotas at their rates: the generic cell rate algorithm (GCRA, ITU-T I.371
/// annex A) over every dimension of every quota at once, all or none. One number per dimension: the
/// theoretical arrival time of the next token. A draw larger than the burst is admitted when the
/// bucket is full and paid off after. The burst is the quota's own.
class RateGate {
 public:
  RateGate(std::vector<QuotaRates> quotas, Time now);

  /// When all of `draws` would be admitted: `now` or a later moment.
  Time admits_at(std::span<const Cost> costs, Time now) const;
  /// Takes them; only after `admits_at` said now.
  void take(std::span<const Cost> costs, Time now);
  /// Gives back or adds what was reserved too much or too little. Draws match `reserved` by quota;
  /// a quota missing from `actual` is left as reserved (unknown is not zero).
  void settle(std::span<const Cost> reserved, std::span<const Cost> actual, Time now);
  /// Nothing of `quota` is admitted before `until`.
  void raise_floor(ResourceId quota, Time until);

 private:
  struct Bucket {
    std::optional<Rate> rate;
    Time arrival{};  ///< Theoretical arrival time.
  };
  struct Quota {
    Bucket requests, input_tokens, output_tokens, usd;
    Duration burst = kBurst;
    Time floor{};
  };
  template <typename Q, typename Visit>
  static void each_limited(Q& quota, const Cost& cost, Visit visit);

  std::vector<Quota> quotas_;
};

}  // namespace interlock::schedule
