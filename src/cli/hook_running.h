#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/hook_input.h"

// Of clients that tell nothing of the message a sub-agent belongs to (Gemini CLI, opencode): which
// of a session's sub-agents run at once is known from their beginnings and ends.
namespace interlock::cli {

/// A session's sub-agents that began and have not ended, and what its model is still to be told.
struct RunningAgents {
  struct Agent {
    SubAgent what;
    std::int64_t began_s = 0;  ///< Seconds since 1970.
  };
  std::vector<Agent> agents;
  std::string advice;       ///< For the next one that ends; empty: nothing.
  bool is_advised = false;  ///< Once until none runs any more.

  std::string to_text() const;
};
/// Of anything else than such a text: none.
RunningAgents running_from_text(std::string_view text);

/// Of clients that do: those of the call's turn that began within the last second, itself among
/// them. The transcript may tell of its message too late.
std::vector<SubAgent> begun_together(const Context& context, const HookCall& call);

/// What Interlock would do with sub-agents that run at once.
struct HookVerdict {
  bool refuses = false;
  std::string text;  ///< One sentence, and what to do instead where it refuses.
};
/// Nothing on an error of its own.
std::optional<HookVerdict> verdict_on(const std::vector<SubAgent>& agents,
                                      const std::string& client, const std::string& folder,
                                      const Context& context);

/// What such a client is answered before a sub-agent begins: a denial, or nothing.
std::string answer_at_beginning(const Context& context, const HookRequest& request,
                                const HookCall& call);

/// A sub-agent has ended: gives its client what the model is to be told.
Result<Exit> hook_ended_command(const Context& context);

}  // namespace interlock::cli
