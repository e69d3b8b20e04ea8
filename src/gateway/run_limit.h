#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/units.h"
#include "engine/gateway.h"
#include "gateway/budget.h"

namespace interlock::gateway {

/// The run's limit, and who may go on where what is left of it is too little for all who are at
/// work.
///
/// Each attempt is expected to need what its task is expected to use, less what it has used; where
/// nothing is known of the task, what the attempt that has used most has used stands for it. None
/// is expected to need less than its last call took, or than its calls in flight hold. Those go
/// first whose client keeps no session, because what they have used would be lost, then those that
/// are expected to need least, then plan order. A call is sent when it fits beside what attempts
/// before its own are expected to need. Else it waits until that is known. Its attempt is parked
/// when the call cannot fit any more, and the attempt has no other call in flight: nothing that was
/// paid for is broken off.
///
/// No attempt waits for ever: the first of those at work is held up by calls in flight alone.
class RunLimit {
 public:
  using Progress = engine::Gateway::Progress;
  enum class Verdict : unsigned char { go, wait, park };

  /// A new limit; none: no bound. `taken`: what is gone of it, or held by calls in flight.
  void set(std::optional<Tokens> tokens, std::optional<MicroUsd> usd, Charge taken);

  /// A person paused the run: nothing more is sent.
  void pause(bool paused) { paused_ = paused; }
  bool is_paused() const { return paused_; }

  void open(engine::AttemptName attempt, const Progress& progress);
  /// Its calls are over.
  void close(engine::AttemptName attempt);

  Verdict judge(engine::AttemptName attempt, const Charge& call) const;
  /// What would be passed: `tokens` or `dollars`. To be asked of a call that has to wait.
  std::string_view scarce(const Charge& call) const;
  /// It is sent, and holds this much.
  void hold(engine::AttemptName attempt, const Charge& call);
  /// It is over: what it held, and what it took.
  void settle(engine::AttemptName attempt, const Charge& held, const Charge& took);
  /// It asks no more.
  void park(engine::AttemptName attempt);

 private:
  struct Attempt {
    Progress progress;
    Charge used;  ///< Now.
    Charge held;
    std::uint32_t in_flight = 0;
    Charge last;  ///< What its last call took.
    bool parked = false;
  };
  using Named = std::pair<const engine::AttemptName, Attempt>;
  Tokens most_used() const;
  static Tokens way_to_go(const Attempt& attempt, Tokens most_used);
  static Tokens needs(const Attempt& attempt, Tokens most_used);
  static bool is_before(const Named& one, const Named& other, Tokens most_used);
  Charge kept_for_others(const Named& own, const Charge& call) const;
  bool fits(const Charge& more) const { return !budget_.passed_by(more); }

  Budget budget_;
  bool binds_ = false;
  bool paused_ = false;
  Charge in_flight_;  ///< Held by all calls together.
  std::map<engine::AttemptName, Attempt> attempts_;
};

}  // namespace interlock::gateway
