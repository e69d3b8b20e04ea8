#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace interlock::gateway {

/// How often and how late a failed request is sent again.
struct RetryRules {
  double share = 0.1;     ///< Retries for each call, in the long run.
  double allowance = 10;  ///< Beyond that, at first and after quiet times.
  Duration first = std::chrono::milliseconds(500);
  Duration longest = std::chrono::seconds(30);
};

/// Keeps retries from multiplying the load of a provider that is down: calls earn them, retries
/// spend them (Google SRE book, chapter 21). What the provider itself told us to do later, by
/// `Retry-After`, is free.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryRules& rules) : rules_(rules), left_(rules.allowance) {}

  void earn() { left_ = std::min(left_ + rules_.share, rules_.allowance); }
  bool spend() {
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  RetryRules rules_;
  double left_;
};

/// Full jitter: anything up to the double of what it was before. `chance`: from 0 up to 1.
inline Duration back_off(const RetryRules& rules, std::uint32_t retries, double chance) {
  Duration most = rules.first;
  for (std::uint32_t i = 0; i < retries && most < rules.longest; ++i) most *= 2;
  most = std::min(most, rules.longest);
  return Duration(static_cast<std::int64_t>(chance * static_cast<double>(most.count())));
}

}  // namespace interlock::gateway
