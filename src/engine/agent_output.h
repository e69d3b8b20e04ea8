#pragma once

#include <string>
#include <vector>

#include "agents/adapter.h"
#include "engine/attempt.h"
#include "engine/judge.h"
#include "engine/live_attempts.h"
#include "engine/turn.h"

namespace interlock::engine {

/// What agents print while they work, and what it makes of how they ended.
class AgentOutput {
 public:
  AgentOutput(Turn& turn, LiveAttempts& live) : turn_(turn), live_(live) {}

  /// It is about to be spawned. A plain command has no reader.
  void open_reader(Attempt& live) const;
  void on_printed(Printed printed);
  /// Success is never the exit code alone. `judgement`: by that code.
  Judgement judge(Attempt& live, const Exited& exited, Judgement judgement);
  /// What it gives back: its own words, or the JSON its client checked.
  std::string take_answer(Attempt& live, bool json) const;

 private:
  void on_events(Attempt& live, std::vector<agents::Event> events);

  Turn& turn_;
  LiveAttempts& live_;
};

}  // namespace interlock::engine
