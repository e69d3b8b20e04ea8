#pragma once

#include <vector>

#include "base/result.h"
#include "engine/agent_output.h"
#include "engine/attempt_endings.h"
#include "engine/checkpoints.h"
#include "engine/hashed_files.h"
#include "engine/live_attempts.h"
#include "engine/model_calls.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Does what the turn decided, once its events are durable; and deals, in the next turn, with the
/// starts that came to nothing: put back, tried again where descriptors, processes or memory were
/// short, or ended as not started.
class Launcher {
 public:
  Launcher(Turn& turn, LiveAttempts& live, OpenSnapshots& snapshots, Checkpoints& checkpoints,
           HashedFiles& files, ModelCalls& calls, AgentOutput& agents, AttemptEndings& endings)
      : turn_(turn),
        live_(live),
        snapshots_(snapshots),
        checkpoints_(checkpoints),
        files_(files),
        calls_(calls),
        agents_(agents),
        endings_(endings) {}

  void act();
  /// It did not begin: put back, tried again, or ended.
  [[nodiscard]] Result<void> on_not_started(NotStarted refused);
  /// Something came to nothing, and is to be dealt with in the next turn, at once.
  bool has_failures() const { return !stopped_first_.empty() || !held_back_.empty(); }
  [[nodiscard]] Result<void> take_failures();
  /// Tries starts again that were put off, if it is time or something gave back what was short.
  [[nodiscard]] Result<void> start_deferred(bool something_ended);

 private:
  void launch(Attempt& live);
  bool defer(Attempt& live, NotStarted& refused);

  Turn& turn_;
  LiveAttempts& live_;
  OpenSnapshots& snapshots_;
  Checkpoints& checkpoints_;
  HashedFiles& files_;
  ModelCalls& calls_;
  AgentOutput& agents_;
  AttemptEndings& endings_;
  std::vector<AttemptName> stopped_first_;
  std::vector<AttemptName> held_back_;  ///< A checkpoint that is in the way came first.
};

}  // namespace interlock::engine
