#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "engine/attempt_endings.h"
#include "engine/board.h"
#include "engine/committer.h"
#include "engine/condition_settler.h"
#include "engine/live_attempts.h"
#include "engine/model_calls.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// What the body of a request to retune says of `on_quota`: whether a quota that is used up is
/// waited for. Nothing where it says nothing.
std::optional<bool> on_quota_in(const json::value& body);

/// What people, and attempts by way of the board, ask of a running dispatcher. A request that no
/// longer fits (the task has ended meanwhile) is passed over: the one who asked sees in the journal
/// what happened instead.
class RequestHandler {
 public:
  RequestHandler(Turn& turn, LiveAttempts& live, TaskEndings& tasks, ModelCalls& calls,
                 Committer& committer, ConditionSettler& conditions, AttemptEndings& endings)
      : turn_(turn),
        live_(live),
        tasks_(tasks),
        calls_(calls),
        committer_(committer),
        conditions_(conditions),
        endings_(endings),
        board_(turn, live) {}

  /// Answers all that are in the journal.
  [[nodiscard]] Result<void> take();
  Board& board() { return board_; }
  /// A signal asks the dispatcher to end.
  void interrupt();

 private:
  [[nodiscard]] Result<void> answer(const Request& request);
  [[nodiscard]] Result<void> answer_gate(const Request& request, bool approved);
  void answer_review(const Request& request, bool approved);
  void cancel_task(TaskId task, const std::string& by);
  void cancel_run(const std::string& by);
  void revive(TaskId task);
  void revive_tries(TaskId task);
  // growth.cc: tasks that are added, and what people change while it goes on.
  void add_tasks(const Request& request);
  void hold(const Request& request);
  void release_hold(const std::string& by);
  void retune(const Request& request);
  // notes.cc: what people say to tasks, and where they put them.
  void post(const Request& request);
  void send(const Request& request);
  void move(const Request& request);
  void refuse(const Request& request, std::string why);

  Turn& turn_;
  LiveAttempts& live_;
  TaskEndings& tasks_;
  ModelCalls& calls_;
  Committer& committer_;
  ConditionSettler& conditions_;
  AttemptEndings& endings_;
  Board board_;
};

}  // namespace interlock::engine
