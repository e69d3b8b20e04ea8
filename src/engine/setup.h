#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/process_identity.h"
#include "base/redaction.h"
#include "base/units.h"
#include "engine/board_posts.h"
#include "engine/growth.h"
#include "engine/host_environment.h"
#include "schedule/problem.h"

namespace interlock::engine {

/// What a run is to be, decided before it begins.
struct Setup {
  std::string run;
  std::string pattern;  ///< For people: `queue(2)`.
  schedule::Problem problem;
  schedule::Policy policy;
  std::vector<std::int64_t> priorities;
  std::vector<Duration> expected;  ///< By task.
  HostEnvironment around;
  /// What no answer and no line about an attempt may hold, also where its client told it in pieces.
  Redaction secrets;
  std::string dispatcher;  ///< `user@host`.
  ProcessIdentity self;
  bool reuse = true;  ///< Take results of earlier runs whose parts of the cache key are all equal.
  /// The dispatcher before this one broke off by itself (a bug), and was not ended from outside.
  bool follows_a_break = false;
  bool wait_at_gates = false;  ///< Wait for a person; else the run pauses when only gates are left.
  std::optional<Tokens> limit_tokens;  ///< What the whole run may use; none: no bound.
  std::optional<MicroUsd> limit_usd;
  /// By task: it is started beside tasks that it may well conflict with; empty: none is.
  std::vector<bool> speculative;
  /// Tasks that may share their first attempt, each in one of them; in plan order.
  std::vector<std::vector<TaskId>> batches;
  /// It is not over when all its tasks are: it waits for more, until `AdditionsClosed`.
  bool stands = false;
  /// So many of the last of `problem.jobs` came with `TasksAdded` events.
  std::size_t added = 0;
  std::vector<RecordedReads> recorded_reads;  ///< Of the run that is replayed; else empty.
  PlanGrowth* growth = nullptr;               ///< None: no tasks are added.
};

/// Of tasks that are added: behind all that was planned, in plan order.
inline constexpr std::int64_t kLastPriority = std::numeric_limits<std::int64_t>::min();

}  // namespace interlock::engine
