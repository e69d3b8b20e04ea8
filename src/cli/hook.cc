#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/hook_input.h"
#include "cli/isolation.h"
#include "cli/planning.h"
#include "workspace/local_files.h"

// `hook pre-tool`: a client is about to start a sub-agent (docs/mcp.md). Of several in one message
// the first is given what Interlock would do; with `--enforce` all are denied where it would not
// overlap them.
namespace interlock::cli {
namespace {

constexpr std::size_t kInputBytesMax = 4u << 20;
constexpr std::streamoff kTranscriptBytes = 4 << 20;  ///< Its end; the message is the last in it.

std::string standard_input() {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got <= 0 || text.size() > kInputBytesMax) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

std::string end_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(0, std::ios::end);
  const std::streamoff size = stream.tellg();
  if (size <= 0) return {};
  const std::streamoff from = std::max<std::streamoff>(0, size - kTranscriptBytes);
  stream.seekg(from);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
  return text;
}

std::string denial(const std::string& why) {
  return canonical_json(json::object{
             {"hookSpecificOutput", json::object{{"hookEventName", "PreToolUse"},
                                                 {"permissionDecision", "deny"},
                                                 {"permissionDecisionReason", why}}}}) +
         "\n";
}

/// Gives the model something to read, and no permission: that stays with the client and its person.
std::string advice(const std::string& what) {
  return canonical_json(
             json::object{{"hookSpecificOutput", json::object{{"hookEventName", "PreToolUse"},
                                                              {"additionalContext", what}}}}) +
         "\n";
}

constexpr std::string_view kInstead =
    "Instead, call the tool `plan` of the MCP server `interlock` with these tasks and what each "
    "reads and writes; "
    "it says what overlaps, what that saves and what it costs.";

/// What Interlock would do with them; an error of its own is one.
Result<Planned> decided(const std::vector<SubAgent>& agents, const std::string& client,
                        const std::string& folder, const Context& context) {
  PlanRequest request;
  request.effort = Duration{};
  workspace::LocalFiles files;
  auto plan = read_plan_or_complain(
      {"sub-agents", folder.empty() ? "." : folder, plan_of(agents, client)}, request, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, *plan);
  return plan_it(std::move(*plan), request, history, context.state_folder);
}

std::string first_reason(const decide::Decision& decision) {
  if (!decision.independent.holds) return decision.independent.why;
  if (!decision.mergeable.holds) return decision.mergeable.why;
  return decision.worthwhile.why;
}

std::string answer_for(const Context& context, const HookRequest& request, const HookCall& call) {
  const std::vector<SubAgent> agents = siblings_of(call, end_of(call.transcript));
  const auto own = std::ranges::find(agents, call.tool_use_id, &SubAgent::tool_use_id);
  const auto place = static_cast<std::size_t>(own - agents.begin());
  if (request.most > 0 && place >= request.most) {
    return denial(
        fmt::format("This is sub-agent {} of {} in one message, and at most {} are let through at "
                    "once. Wait for "
                    "the others. {}",
                    place + 1, agents.size(), request.most, kInstead));
  }
  if (agents.size() < 2) return {};
  const auto planned = decided(agents, request.client, call.folder, context);
  if (!planned) return {};
  const decide::Decision& decision = planned->decision;
  const bool refuses = decision.pattern == decide::Pattern::sequential;
  const std::string reported =
      fmt::format("Interlock on these {} sub-agents: {}, for {}.", agents.size(),
                  pattern_text(decision), first_reason(decision));
  if (request.enforce && refuses) return denial(reported + " " + std::string(kInstead));
  // Once for all of them.
  return place == 0 ? advice(refuses ? reported + " " + std::string(kInstead) : reported)
                    : std::string();
}

}  // namespace

Result<Exit> hook_command(const Context& context, const HookRequest& request) {
  const auto call = hook_call_from(standard_input());
  if (!call || call->tool_use_id.empty()) return Exit::done;
  context.console.result(answer_for(context, request, *call));
  return Exit::done;
}

}  // namespace interlock::cli
