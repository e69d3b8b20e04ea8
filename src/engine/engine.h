#pragma once

#include <optional>
#include <vector>

#include "engine/agent_output.h"
#include "engine/attempt_endings.h"
#include "engine/change_collector.h"
#include "engine/checkpoints.h"
#include "engine/committer.h"
#include "engine/condition_settler.h"
#include "engine/launcher.h"
#include "engine/live_attempts.h"
#include "engine/model_calls.h"
#include "engine/requests.h"
#include "engine/run_completion.h"
#include "engine/starter.h"
#include "engine/task_endings.h"
#include "engine/turn.h"
#include "engine/view_of.h"

namespace interlock::engine {

/// Dispatches one run. One turn: what came in -> events -> applied -> the scheduler says what
/// starts
/// -> all of it durable in one transaction -> the ports act -> what they report comes in at the
/// next turn.
///
/// - Nothing acts on an event, or is told of it, before it is durable.
/// - An attempt that was journaled as started and of which nothing more is known is ended, proven
/// gone, and done again.
/// - Time stands still within a turn.
/// - Changes made in snapshots are committed in plan order, or ahead of tasks they commute with.
///
/// It holds the order of a turn; what each step does is the matter of the part it is asked of. A
/// part knows those above it in the list of members, and `Turn`.
class Engine {
 public:
  /// `before` is empty or what the journal held. Plan, interlocking and ports must outlive the
  /// engine. `hasher`: hashes what tasks read and write; null: that is done in its turns.
  Engine(const plan::Plan& plan, const footprint::Interlocking& interlocking, Setup setup,
         Replay before, Ports ports, FileHasher* hasher = nullptr);

  /// Takes the run: ends what a dead dispatcher left behind, and starts the first tasks.
  Result<void> begin();
  /// Waits for something to happen, at most until `deadline`, and deals with it. To be called until
  /// `over`. After an error the run is to be left as it is; `resume` goes on from the journal.
  Result<void> turn(std::optional<Time> deadline);
  bool over() const { return run().ended.has_value(); }

  const RunState& run() const { return turn_.run(); }
  const schedule::Scheduler& scheduler() const { return turn_.scheduler(); }
  const Commits& commits() const { return turn_.commits(); }
  const Budgets& budgets() const { return turn_.batch.budgets(); }
  RunStatus view() const;
  std::vector<Notice> take_notices();

 private:
  std::optional<Time> next_wake(std::optional<Time> deadline);
  [[nodiscard]] Result<void> take(AttemptReport report);
  [[nodiscard]] Result<void> close_turn();

  Turn turn_;
  LiveAttempts live_;
  OpenSnapshots snapshots_;
  Checkpoints checkpoints_;
  TaskEndings tasks_;
  ModelCalls calls_;
  AgentOutput agents_;
  ChangeCollector collector_;
  Committer committer_;
  ConditionSettler conditions_;
  Starter starter_;
  AttemptEndings endings_;
  Launcher launcher_;
  RequestHandler requests_;
  RunCompletion completion_;
};

}  // namespace interlock::engine
