#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/adapter.h"
#include "base/digest.h"
#include "base/units.h"
#include "engine/names.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What the latest attempt of a task is to be, wherever it runs: pure data, made of plan and events
/// alone. No path of a machine, no port and no open file is in it; contents are named by digest.
struct AttemptSpec {
  /// An output that it uses.
  struct Input {
    std::string id;                ///< Of the task that gave it.
    std::string round_of;          ///< That task is the last round of this one; empty: of none.
    std::optional<Digest> output;  ///< None: that task gave none.
    bool unneeded = false;         ///< That task was not run, as it was not needed.
  };
  /// A task whose work it does, as this attempt does it: after a failure perhaps by another model.
  struct Work {
    plan::Task task;
    std::vector<Input> inputs;
  };

  AttemptName name;
  std::vector<Work> work;               ///< Its own task first, then those that share the attempt.
  bool mends = false;                   ///< It is told what others changed.
  bool goes_on = false;                 ///< It was stopped at a limit, and may take up its session.
  bool resumes = false;                 ///< Its session is taken up; it knows what was asked.
  std::string session;                  ///< Of the task's latest attempt; empty: it had none.
  std::vector<MessageRecord> messages;  ///< That a person sent, and its agent is to be told now.
  std::string correction;  ///< Why the answer before was not accepted; for who mends, the changes.
  std::uint32_t lane = 0;
  Time deadline{};
  Spent spent;               ///< By the task so far: its budgets are for all of its attempts.
  bool replays_own = false;  ///< Model calls of its earlier attempts are not paid for twice.

  const plan::Task& task() const { return work.front().task; }
  std::vector<const plan::Task*> tasks() const;
};

/// Of `task`, whose latest attempt is journaled as started.
AttemptSpec spec_of(const plan::Plan& plan, const RunState& run, TaskId task, std::uint32_t phase,
                    Time deadline);

/// Whose adapter calls its program and reads its stream; null: a plain command.
const agents::Adapter* adapter_of(const plan::Agent& agent, const AttemptSpec& spec);

}  // namespace interlock::engine
