#pragma once

#include <optional>
#include <string_view>

#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What to do after an attempt that did not succeed.
struct NextTry {
  AttemptStarted::Trigger because = AttemptStarted::Trigger::retry;
  Duration after{};     ///< Back-off.
  bool charged = true;  ///< Costs one of the task's retries.
};

/// Nothing: the task has failed for good.
///
/// - An output that breaks its schema, and changes outside the footprint, get one correction at
/// once, which costs no retry; the agent is told what was wrong.
/// - A program that cannot be executed is not tried again.
/// - An attempt that the dispatcher's end interrupted is tried again at once, at no cost.
/// - Who was told to wait and gave up is tried again after a back-off, at no cost, so many times.
/// - What would be no better the next time (a key, a model's name, a budget) is not tried again.
/// - Everything else is tried again while `retries` last, after `backoff * 2^k`, of which half is
/// jitter: drawn from
///   `seed` (the run, the task and the attempt), so that tasks that failed together do not come
///   back together.
std::optional<NextTry> next_try(const plan::Task& task, const TaskRecord& record, Outcome outcome,
                                std::string_view seed);

/// The task as its latest attempt does it: after a failure perhaps by another agent or model.
plan::Task task_of_attempt(const plan::Plan& plan, const RunState& run, TaskId task);

/// Before an attempt that costs no retry and is not the first of its kind: doubled each time, from
/// half a second to half a minute, of which half is jitter.
Duration pause_of(int times_before, std::string_view seed);

inline constexpr int kRateLimitedMax = 8;
inline constexpr Duration kRateLimitedBackoff = std::chrono::seconds(5);

/// The longest back-off.
inline constexpr Duration kBackoffMax = std::chrono::minutes(5);

}  // namespace interlock::engine
