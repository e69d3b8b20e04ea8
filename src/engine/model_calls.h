#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/gateway.h"
#include "engine/live_attempts.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Model calls as the gateway tells of them: counted, held against budgets, and what follows when
/// one may not be made.
class ModelCalls {
 public:
  ModelCalls(Turn& turn, LiveAttempts& live) : turn_(turn), live_(live) {}

  /// The gateway counts on from what the journal knows.
  void set_gateway_budget();
  /// Records what is over, and what waits.
  void take();
  /// A route is closed: these are its calls that were not yet counted.
  void take_last(std::vector<ModelCall> calls) { note(std::move(calls)); }
  /// No more is started; who still works may come to its end.
  void reach_limit(const std::string& why);
  /// For agents whose calls do not pass the gateway, the books are balanced when they end.
  void check_limits();

 private:
  void note_waiting(std::vector<Gateway::Waiting> all);
  void note(std::vector<ModelCall> calls);
  void stop_at_limit(Attempt& live, Outcome why, const std::string& detail);
  std::string say_parked(TaskId task) const;

  Turn& turn_;
  LiveAttempts& live_;
};

}  // namespace interlock::engine
