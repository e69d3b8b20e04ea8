#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "runs/chosen_run.h"
#include "runs/planning.h"
#include "runs/run_models.h"

// A plan that an agent writes (ADR 80): the run in which it is written, checked and written again
// is a plan too.
namespace interlock::runs {

inline constexpr std::uint32_t kDraftRounds = 3;
inline constexpr std::uint32_t kDraftRoundsMax = 10;

struct DraftRequest {
  std::string goal;   ///< What the plan is for, in a person's words.
  std::string agent;  ///< Who writes it: a client's name, or an agent of `base`.
  std::string base;   ///< A plan whose agents are used; empty: the client alone.
  std::string file;   ///< Where the plan will lie: its name, for messages and relative paths.
  std::uint32_t rounds = kDraftRounds;     ///< Answers, at most.
  std::optional<std::string> tokens, usd;  ///< As `limits` has them.
  std::map<std::string, std::string> set;  ///< Replaces values of `base`.
};

/// What the drafting is made of: the plan to run, and how.
struct Drafting {
  Document document;
  PlanRequest how;
};
/// The plan with one task that writes and one that checks, in rounds. `own_program`: what runs the
/// check. Errors: a base that cannot be read, an agent that is not known.
Result<Drafting> draft_plan(const DraftRequest& request, const Where& where,
                            const std::string& own_program, const Environment& environment);

/// The task of that plan whose output is the finished document.
inline constexpr const char* kDraftTask = "plan";
/// The task of each round that is asked to write it, and that which checks it.
inline constexpr const char* kDraftWriter = "write";
inline constexpr const char* kDraftCheck = "check";

/// What is known of a plan before it is written.
struct DraftFrame {
  std::string file;       ///< Its name.
  std::string folder;     ///< Its own folder.
  std::string workspace;  ///< What it has to work in.
  std::string agents;     ///< The agents it may use, as JSON.
};
/// `{"ok": true, "plan": TEXT}`, or `{"ok": false, "problems": [TEXT...]}`: what the linter says
/// of what an agent answered. An error says that the check itself could not be made.
Result<json::object> check_draft(const std::string& answer, const DraftFrame& frame);

}  // namespace interlock::runs
