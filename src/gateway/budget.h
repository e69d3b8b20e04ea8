#pragma once

#include <optional>

#include "base/units.h"

namespace interlock::gateway {

/// What a call takes of a budget.
struct Charge {
  Tokens tokens = 0;
  MicroUsd usd = 0;

  Charge& operator+=(const Charge& other) {
    tokens += other.tokens;
    usd += other.usd;
    return *this;
  }
  Charge& operator-=(const Charge& other) {
    tokens -= other.tokens;
    usd -= other.usd;
    return *this;
  }
  bool operator==(const Charge&) const = default;
};

/// What may be spent, by a task or by the run. A call takes its estimate before it is sent and
/// corrects it after, so that calls in flight together cannot pass what one of them could not.
class Budget {
 public:
  Budget() = default;
  Budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) : tokens_(tokens), usd_(usd) {}

  /// A new bound. `taken`: what is already gone of it, or spoken for.
  void set(std::optional<Tokens> tokens, std::optional<MicroUsd> usd, Charge taken) {
    tokens_ = tokens;
    usd_ = usd;
    taken_ = taken;
  }

  /// The one that would be passed by this much more: `tokens` or `dollars`; nothing: it fits.
  std::optional<const char*> passed_by(const Charge& more) const {
    if (tokens_ && taken_.tokens + more.tokens > *tokens_) return "tokens";
    if (usd_ && taken_.usd + more.usd > *usd_) return "dollars";
    return {};
  }
  void take(const Charge& charge) { taken_ += charge; }
  void give_back(const Charge& charge) { taken_ -= charge; }

 private:
  std::optional<Tokens> tokens_;
  std::optional<MicroUsd> usd_;
  Charge taken_;
};

}  // namespace interlock::gateway
