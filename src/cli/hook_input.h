#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// What an agent's client tells a hook before it starts a sub-agent. Formats as seen of Claude Code
// 2.1.330, Codex 0.169.0 and Gemini CLI 0.61.0 on 26 and 27 November 2026; opencode's is our
// plugin's.
namespace interlock::cli {

/// What the client wrote to standard input; cut above 4 MiB.
std::string hook_input();

struct HookCall {
  std::string tool, tool_use_id, transcript, folder;
  json::object input;  ///< Of the tool.
  std::string session;
  std::string turn;  ///< Of the conversation; calls of one message have the same.
};
Result<HookCall> hook_call_from(std::string_view text);

/// One sub-agent of those that a message asks for at once.
struct SubAgent {
  std::string tool_use_id;
  std::string prompt;
  bool only_reads = false;  ///< Of a kind that the client lets change nothing.
  bool apart = false;       ///< In a worktree of its own, from which its changes are merged.
};
/// All calls of sub-agents in the message that holds `call`, in its order; `call` alone where the
/// transcript (JSON lines) tells nothing of it.
std::vector<SubAgent> siblings_of(const HookCall& call, std::string_view transcript);

/// As a plan, in the message's order: what only reads may overlap, of the others nothing is known.
std::string plan_of(const std::vector<SubAgent>& agents, const std::string& kind);

}  // namespace interlock::cli
