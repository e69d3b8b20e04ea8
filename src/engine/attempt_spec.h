#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/adapter.h"
#include "base/digest.h"
#include "base/units.h"
#include "engine/gateway.h"
#include "engine/host_environment.h"
#include "engine/names.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What the latest attempt of a task is to be, wherever it runs: pure data, made of plan and events
/// alone. No path of a machine, no port and no open file is in it; contents that the journal has
/// are named by digest.
struct AttemptSpec {
  /// An output that it uses.
  struct Input {
    std::string id;                ///< Of the task that gave it.
    std::string round_of;          ///< That task is the last round of this one; empty: of none.
    std::optional<Digest> output;  ///< None: that task gave none.
    bool unneeded = false;         ///< That task was not run, as it was not needed.
  };
  /// A good try, as its judge is shown it.
  struct Try {
    std::size_t number = 0;  ///< From 1, among all tries of the task.
    std::optional<Digest> output, diff;
  };
  /// A task whose work it does, as this attempt does it: after a failure perhaps by another model.
  struct Work {
    plan::Task task;
    std::vector<Input> inputs;
    std::optional<plan::Task> judged;  ///< Of a judge: the task whose tries it compares,
    std::vector<Try> tries;            ///< and those that were good.
    /// That a person sent to the attempt's own task, and its agent is to be told now.
    std::vector<MessageRecord> messages;
  };
  /// A file that others changed as well, for the plan's driver to join (phase 3). The bytes are in
  /// no journal: they are what the workspace and the attempt's changes hold.
  struct FileMerge {
    std::string path;
    plan::Command run;
    std::string base;    ///< What both began with; empty: there was no such file.
    std::string ours;    ///< As the tasks before it left it.
    std::string theirs;  ///< As the attempt left it.

    bool operator==(const FileMerge&) const = default;
  };

  AttemptName name;
  std::vector<Work> work;  ///< Its own task first, then those that share the attempt.
  bool mends = false;      ///< It is told what others changed.
  bool goes_on = false;    ///< It was stopped at a limit, and may take up its session.
  bool resumes = false;    ///< Its session is taken up; it knows what was asked.
  std::string session;     ///< Of the task's latest attempt; empty: it had none.
  std::string correction;  ///< Why the answer before was not accepted; for who mends, the changes.
  std::uint32_t lane = 0;
  Time deadline{};
  Spent spent;                     ///< By the task so far: its budgets are for all of its attempts.
  bool replays_own = false;        ///< Model calls of its earlier attempts are not paid for twice.
  std::optional<FileMerge> merge;  ///< It does no work, but joins this.
  plan::Agent agent;               ///< Of its task, as this attempt does it.
  std::string label;  ///< `run/task#attempt`; filled by `add_host`, as is what follows.
  /// Its way into the gateway, for model calls and the board: what they may use. What differs by
  /// the place it has (`noise`) is filled in there.
  std::optional<Gateway::RouteSpec> route;
  std::vector<std::string> key_variables;  ///< Of agents of the plan: no check is given them.

  const plan::Task& task() const { return work.front().task; }
  bool uses_board() const { return route && route->board; }
  /// By its route.
  bool asks_models() const { return route && !route->agent.empty(); }
  std::vector<const plan::Task*> tasks() const;
  /// All that is named by digest in it.
  std::vector<Digest> contents() const;
};

/// Of `task`, whose latest attempt is journaled as started.
AttemptSpec spec_of(const plan::Plan& plan, const RunState& run, TaskId task, std::uint32_t phase,
                    Time deadline);

/// What follows from the run it is part of.
void add_host(AttemptSpec& spec, const plan::Plan& plan, const HostEnvironment& around);

/// Whose adapter calls its program and reads its stream; null: a plain command.
const agents::Adapter* adapter_of(const plan::Agent& agent, const AttemptSpec& spec);

}  // namespace interlock::engine
