#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "engine/port_ranges.h"
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

}  // namespace interlock::engine
