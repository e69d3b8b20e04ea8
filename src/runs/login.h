#pragma once

#include <string>

#include "base/result.h"
#include "plan/plan.h"
#include "runs/run_models.h"

// The log-in a person has with a client, for agents that use it instead of a key.
namespace interlock::runs {

/// Whether any task's agent has `login: true`.
bool uses_login(const plan::Plan& plan);

/// What Claude Code keeps of the log-in, for a copy of its own in each attempt's folder. Without
/// the token that renews it: a client that renewed a copy would make the person's own invalid.
/// Empty where CLAUDE_CODE_OAUTH_TOKEN is set, which is handed on instead. Refused, with what to
/// do, where nobody is logged in or the log-in has to be renewed.
Result<std::string> read_claude_login(const Environment& environment);

/// Which of a person's log-ins it is, without saying anything of it: eight hexadecimal digits,
/// which stay when it is renewed. Empty: nobody is logged in.
std::string login_name(const Environment& environment);

/// The token a client shows its provider; empty where none is found.
std::string claude_login_token(const Environment& environment);

}  // namespace interlock::runs
