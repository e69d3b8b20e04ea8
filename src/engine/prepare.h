#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/port_ranges.h"
#include "engine/ports.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What attempts are given beside what the plan says.
struct HostEnvironment {
  std::string run;    ///< The run's id.
  std::string trace;  ///< Of the run (trace_context.h); empty: its attempts are told of none.
  std::string log_folder;
  std::map<std::string, std::string>
      environment;          ///< Interlock's own; only an allow list of it is handed on.
  std::string own_program;  ///< Interlock itself, for agents it brings along.
  bool as_root = false;
  bool records_calls =
      false;  ///< Answers of models are kept, and given again where an attempt came to nothing.
  /// Where attempts that have mounts of their own find their own folders, at paths that are the
  /// same for all: clients tell a model of them, and siblings' prompts should begin alike. Empty:
  /// where they really are.
  std::string own_place;
  /// Whether attempts without a snapshot have mounts of their own, too.
  bool may_bind = false;
  /// By task: what it is expected to use, all together; empty, or none: unknown.
  std::vector<std::optional<Tokens>> expected_tokens;
  /// What Claude Code keeps of the person's log-in, for agents with `login: true`; empty: it is in
  /// `environment`, as CLAUDE_CODE_OAUTH_TOKEN.
  std::string claude_login;
  /// Of the machine; none: each lane has those of its number.
  PortRanges* ports = nullptr;
};

/// The folders below `HostEnvironment::own_place`: of the attempt, and of its task.
inline constexpr std::string_view kAttemptPlace = "a";
inline constexpr std::string_view kHomePlace = "h";

/// Names that every attempt gets from Interlock's own environment, where they are set. `LC_*` too.
inline constexpr std::string_view kPassedOn[] = {"PATH",  "HOME", "USER", "LOGNAME",
                                                 "SHELL", "LANG", "TZ",   "TERM"};

/// `run/task#attempt`: how an attempt is called in process listings, and found again after a crash.
std::string label_of(const HostEnvironment& around, const plan::Task& task, std::uint32_t attempt);

/// Ready to be spawned.
struct Prepared {
  SpawnSpec spec;
  bool has_route = false;  ///< The gateway's, opened for it.
  bool meters = false;     ///< By it, its model calls are counted.
  bool resumes = false;    ///< It takes up the session of an earlier attempt.
};

/// What to execute for the work (phase 0) or a check (phase 1, 2) of the latest attempt of `task`.
/// Makes the attempt's folder with its prompt, schema and the outputs it uses, and opens its view,
/// all through the ports. Whoever gets an error closes the view; a route is open only without one.
Result<Prepared> prepare(const plan::Plan& plan, TaskId task, std::uint32_t phase,
                         const RunState& run, const HostEnvironment& around, Time deadline,
                         const Ports& ports);

}  // namespace interlock::engine
