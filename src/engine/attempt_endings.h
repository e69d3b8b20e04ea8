#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/agent_output.h"
#include "engine/attempt.h"
#include "engine/change_collector.h"
#include "engine/checkpoints.h"
#include "engine/committer.h"
#include "engine/judge.h"
#include "engine/live_attempts.h"
#include "engine/model_calls.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// What came of attempts: judged, journaled, and either done, tried again or failed.
///
///     Finished -> on_finished -> (its changes: on_collected) -> finish_work -> (its check)
///     -> conclude_hashed -> (what it wrote: on_hashed) -> conclude -> AttemptEnded -> what follows
///                               '-> on_batch_over -> break_up -> conclude, for each task of it
class AttemptEndings {
 public:
  AttemptEndings(Turn& turn, LiveAttempts& live, OpenSnapshots& snapshots, TaskEndings& tasks,
                 ModelCalls& calls, AgentOutput& agents, ChangeCollector& collector,
                 Committer& committer)
      : turn_(turn),
        live_(live),
        snapshots_(snapshots),
        tasks_(tasks),
        calls_(calls),
        agents_(agents),
        collector_(collector),
        committer_(committer) {}

  [[nodiscard]] Result<void> on_finished(Finished finished);
  /// Its changes were taken, or could not be.
  [[nodiscard]] Result<void> on_collected(Collected collected);
  /// What some of them wrote is hashed: those are done.
  [[nodiscard]] Result<void> on_hashed();
  /// It could not even be started, or was stopped before.
  [[nodiscard]] Result<void> on_not_started(Attempt live, const Error& error);
  /// It was not to be begun, and costs no retry.
  [[nodiscard]] Result<void> requeue_unstarted(Attempt live, const std::string& why);
  /// A person does not want this task's part of a batch any more; false: it has none. The attempt
  /// goes on as long as somebody's part is wanted.
  bool cancel_part(TaskId task);

 private:
  [[nodiscard]] Result<void> on_work_over(Attempt& live, Finished finished);
  Judgement judge_work(Attempt& live, Finished& finished);
  [[nodiscard]] Result<void> finish_work(Attempt& live, Judgement judgement);
  Judgement take_output(Attempt& live, Judgement judgement);
  [[nodiscard]] Result<void> conclude_hashed(Attempt& live, Judgement judgement);
  [[nodiscard]] Result<void> conclude(Attempt live, Judgement judgement);
  [[nodiscard]] Result<void> succeed(TaskId task);
  [[nodiscard]] Result<void> after_failure(TaskId task, const Judgement& judgement);
  bool ended_from_outside(TaskId task, const Judgement& judgement, bool parked);
  // batches.cc: several tasks in one attempt.
  [[nodiscard]] Result<void> on_batch_over(Attempt live, Judgement judgement);
  [[nodiscard]] Result<void> break_up(Attempt whole, const Judgement& judgement,
                                      std::vector<std::optional<std::string>> answers);
  [[nodiscard]] Result<void> check_next_part(TaskId first);
  void after_failed_part(TaskId task, const Judgement& judgement);

  Turn& turn_;
  LiveAttempts& live_;
  OpenSnapshots& snapshots_;
  TaskEndings& tasks_;
  ModelCalls& calls_;
  AgentOutput& agents_;
  ChangeCollector& collector_;
  Committer& committer_;
};

}  // namespace interlock::engine
