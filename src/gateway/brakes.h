#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "agents/event.h"
#include "base/digest.h"
#include "base/units.h"
#include "engine/gateway.h"

namespace interlock::gateway {

/// What keeps an attempt that runs away: a client that sends one request for ever, that never gets
/// a good answer and asks on, or that spends too fast. Knows no clock: moments are given.
class Brakes {
 public:
  using Bounds = engine::Gateway::Brakes;

  Brakes() = default;
  explicit Brakes(const Bounds& bounds) : bounds_(bounds) {}

  /// Why a call may not be made, and what those before it came to.
  struct Stop {
    std::string why;
    std::optional<agents::Failure> failure;  ///< None: they were good.
  };
  /// A call comes in. `request`: what makes two of them the same.
  std::optional<Stop> stop_for(const Digest& request, Time now);
  /// What a call that may be made waits for first: nothing, then ever longer, `first` times 2^k.
  Duration pause_for(const Digest& request, Duration first, Duration longest) const;
  /// It is over. `failure`: none where its answer was good.
  void note(const Digest& request, const std::optional<agents::Failure>& failure,
            std::string detail, std::optional<MicroUsd> spent, Time now);

 private:
  struct Seen {
    std::uint32_t count = 0;
    std::optional<agents::Failure> failure;
    std::string detail;
  };
  MicroUsd spent_lately(Time now);

  Bounds bounds_;
  std::uint32_t calls_ = 0;
  std::uint32_t failed_in_a_row_ = 0;
  Seen last_;
  std::map<Digest, Seen> seen_;
  std::deque<std::pair<Time, MicroUsd>> spent_;  ///< Within the last minute.
};

}  // namespace interlock::gateway
