#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// Why a task is not run though nothing it needs has failed: its condition does not hold, or it
/// takes the output of one that is not run. Empty: it is run. What it needs, and what its condition
/// asks about, is over. An error of kind `invalid` says that the condition cannot be told; another
/// one is that of `blob`.
Result<std::string> why_unneeded(const plan::Plan& plan, const RunState& run, TaskId task,
                                 const std::function<Result<std::string>(const Digest&)>& blob);

/// Whether all is over that the answer rests on.
bool can_be_judged(const plan::Plan& plan, const RunState& run, TaskId task);

/// Why a place of a family for which there is no item is not run.
inline constexpr std::string_view kNoSuchItem = "there is no such item";
/// Whether a place of a family is nobody's task, or not known to be one.
bool is_unused_place(const plan::Plan& plan, const RunState& run, TaskId task);

/// Which tasks may turn out not to be needed, and when to ask. Costs nothing for the others.
class Conditions {
 public:
  explicit Conditions(const plan::Plan& plan) { grow(plan); }

  /// The plan has more tasks than before.
  void grow(const plan::Plan& plan);
  /// The task is over: those that ask about it are to be asked.
  void note_over(TaskId task);
  /// Those to be asked now, in plan order.
  std::set<TaskId> take_open() { return std::exchange(open_, {}); }

 private:
  std::size_t known_ = 0;
  std::set<TaskId> may_be_unneeded_;
  std::map<TaskId, std::vector<TaskId>> asking_;  ///< Who asks, by whom they ask about.
  std::set<TaskId> open_;
};

}  // namespace interlock::engine
