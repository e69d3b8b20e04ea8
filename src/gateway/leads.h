#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "base/digest.h"
#include "sys/loop.h"

namespace interlock::gateway {

using CallId = std::uint64_t;

/// Lets one call fill a prompt cache while others with the same prefix wait (ADR 19). Knows neither
/// calls nor clocks: it answers who may go.
///
///     cold --first call--> led --its first streamed token--> warm --5 minutes unused--> cold
///                           '--it failed--> led by the next, or cold
class Leads {
 public:
  using Moment = sys::Loop::Moment;
  /// So long a provider keeps a prefix after its last use.
  static constexpr Moment kWarm = std::chrono::minutes(5);

  /// Whether the call may go now: as the lead, or because the prefix is warm. Else it waits until
  /// its number is among the answers of `filled` or `ended`.
  bool may_go(const Digest& prefix, CallId call, Moment now);
  /// The provider has read this call's prompt: who may go now.
  std::vector<CallId> filled(const Digest& prefix, CallId call, Moment now);
  /// The call is over, in vain or not, or waits no more: who may go now.
  std::vector<CallId> ended(const Digest& prefix, CallId call);
  bool is_warm(const Digest& prefix, Moment now) const;

 private:
  struct Prefix {
    CallId lead = 0;  ///< 0: nobody.
    Moment warm_until{};
    std::deque<CallId> waiting;
  };

  void forget_cold(Moment now);

  std::map<Digest, Prefix> prefixes_;
};

}  // namespace interlock::gateway
