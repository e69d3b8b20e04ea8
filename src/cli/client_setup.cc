#include "cli/client_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace interlock::cli {
namespace {

using How = SettingsChange::How;

constexpr std::string_view kSkill = R"(---
name: interlock
description: Decide whether several tasks, sub-agents or long commands should run in parallel, at once, in a queue or one by one, and run them that way. Use before fanning out sub-agents, splitting work over several agents, or starting several slow commands at once.
license: Apache-2.0
---

# Running several tasks at once

Sub-agents that run at once can overwrite each other's files, cost tokens to start and to join, and often save nothing.
Before you start two or more of them, ask Interlock.

1. Write the work as tasks. Each has an `id`, a `prompt` (for an agent) or `run` (a shell command), and says what it
   touches: `reads` and `writes` are lists of path patterns, `[]` for none. Tasks that need another's output name it in `needs`.
2. Call the tool `plan` of the MCP server `interlock` with these `tasks` (and `agent`, such as `claude-code`, for those with a
   prompt). Without the server: `interlock plan -` with `{"interlock": 1, "tasks": [...]}` on standard input.
3. Tell the person in one sentence what it decided, what that saves and what it costs. Follow it: where it says
   sequential, do the work one by one, in this conversation if that is less work.
4. To have Interlock run them: `run` with the same arguments, then `wait` until the run has ended, then `output` and `diff`.
5. Where a task waits for a person's approval, ask the person. Never approve in their place.

What a task reads and writes decides everything: name folders exactly, give each task files of its own, and let one task
join what the others wrote.
)";

constexpr std::string_view kOwnSubAgents = R"(
Where your own sub-agents are to edit files at the same time, start each with `isolation: "worktree"`: it works in a private
copy, what it changes is merged into the workspace when it finishes, and it is told of conflicts. Do not merge it yourself.
)";

using Options = std::vector<std::string>;

/// Words of a command, which need no quoting.
std::string pre_tool(const std::string& client, const Options& options) {
  return fmt::format("pre-tool --for {}{}{}", client, options.empty() ? "" : " ",
                     fmt::join(options, " "));
}

json::value hook_for(const std::string& client, const std::string& program,
                     const Options& options) {
  json::object command{{"type", "command"},
                       {"command", program + " hook " + pre_tool(client, options)},
                       {"timeout", 10}};
  return json::object{{"matcher", client == "codex" ? "spawn_agent" : "Agent|Task"},
                      {"hooks", json::array{std::move(command)}}};
}

json::value gemini_hook(const std::string& program, const std::string& arguments) {
  json::object command{{"name", "interlock"},
                       {"type", "command"},
                       {"command", program + " hook " + arguments},
                       {"timeout", 10'000}};  // Milliseconds, there.
  return json::object{{"matcher", "invoke_agent"}, {"hooks", json::array{std::move(command)}}};
}

/// opencode has no hooks that are commands.
std::string plugin_text(const std::string& program, const Options& options) {
  constexpr std::string_view kText =
      R"(// Written by `interlock init --for opencode`: asks Interlock before a sub-agent begins, and tells it of the end.
import { execFile } from "node:child_process"

const program = @PROGRAM@
const options = @OPTIONS@

// What it answers; on any error, and after ten seconds, nothing, which lets the sub-agent begin.
const ask = (when, more, said) =>
  new Promise((resolve) => {
    const child = execFile(program, ["hook", when, "--for", "opencode", ...more], { timeout: 10000 },
      (error, out) => {
        try { resolve(error || !out ? {} : JSON.parse(out)) } catch { resolve({}) }
      })
    child.on("error", () => resolve({}))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(said))
  })

export const Interlock = async ({ directory }) => {
  const call = (input, args) => ({
    session_id: input.sessionID, tool_use_id: input.callID, tool_name: input.tool, tool_input: args, cwd: directory,
  })
  return {
    "tool.execute.before": async (input, output) => {
      if (input.tool !== "task") return
      const answer = await ask("pre-tool", options, call(input, output.args))
      if (answer.decision === "deny") throw new Error(answer.reason)
    },
    "tool.execute.after": async (input, output) => {
      if (input.tool !== "task") return
      const answer = await ask("post-tool", [], call(input, input.args ?? {}))
      const advice = answer.hookSpecificOutput?.additionalContext
      if (advice && typeof output?.output === "string") output.output += "\n" + advice
    },
  }
}
)";
  std::string text(kText);
  const auto put = [&](std::string_view mark, const std::string& value) {
    text.replace(text.find(mark), mark.size(), value);
  };
  put("@PROGRAM@", canonical_json(json::string(program)));
  put("@OPTIONS@", canonical_json(json::array(options.begin(), options.end())));
  return text;
}

/// Where the client's own sub-agents work. In the person's own settings: whoever has not got us
/// could start none otherwise.
std::vector<SettingsChange> worktree_hooks(const std::string& program) {
  std::vector<SettingsChange> changes;
  for (const auto& [event, matcher, timeout_s] : {std::tuple{"WorktreeCreate", "", 600},
                                                  {"WorktreeRemove", "", 600},
                                                  {"SubagentStop", "", 600},
                                                  {"PostToolUse", "Agent|Task", 30},
                                                  {"SessionEnd", "", 60}}) {
    json::object command{{"type", "command"},
                         {"command", program + " hook worktree --for claude-code"},
                         {"timeout", timeout_s}};
    json::object hook;
    if (*matcher != '\0') hook["matcher"] = matcher;
    hook["hooks"] = json::array{std::move(command)};
    changes.push_back({".claude/settings.local.json",
                       How::element,
                       {"hooks", event},
                       std::move(hook),
                       " hook worktree "});
  }
  return changes;
}

json::value server_of(const std::string& program) {
  return json::object{{"command", program}, {"args", json::array{"mcp"}}};
}

SettingsChange skill_at(const std::string& folder) {
  return {folder + "/skills/interlock/SKILL.md", How::whole, {}, {}, std::string(kSkill)};
}

}  // namespace

const std::vector<std::string>& clients_to_set_up() {
  static const std::vector<std::string> kClients{"claude-code", "codex", "gemini", "opencode"};
  return kClients;
}

std::string trust_wanted(const std::string& client) {
  if (client == "claude-code")
    return "Claude Code asks at its next start whether the project's MCP server may be used";
  if (client == "codex")
    return "Codex reads a project's settings only where it is trusted, and its hooks only after "
           "`/hooks`";
  if (client == "gemini")
    return "Gemini uses a project's servers and hooks only where its folder is trusted";
  return {};
}

std::optional<std::vector<SettingsChange>> setup_for_client(
    const std::string& client, const std::string& program,
    const std::vector<std::string>& options) {
  if (client == "claude-code") {
    std::vector<SettingsChange> changes{
        skill_at(".claude"),
        {".mcp.json", How::member, {"mcpServers", "interlock"}, server_of(program), {}},
        {".claude/settings.json",
         How::element,
         {"hooks", "PreToolUse"},
         hook_for(client, program, options),
         " hook pre-tool "}};
    changes.front().text += kOwnSubAgents;
    std::ranges::move(worktree_hooks(program), std::back_inserter(changes));
    return changes;
  }
  if (client == "codex") {
    return std::vector<SettingsChange>{
        skill_at(".agents"),
        {".codex/config.toml",
         How::section,
         {"mcp_servers.interlock"},
         {},
         fmt::format(
             "[mcp_servers.interlock]\ncommand = {}\nargs = [\"mcp\"]\ntool_timeout_sec = 120\n",
             canonical_json(json::string(program)))},
        {".codex/hooks.json",
         How::element,
         {"hooks", "PreToolUse"},
         hook_for(client, program, options),
         " hook pre-tool "}};
  }
  if (client == "gemini") {
    const std::string file = ".gemini/settings.json";
    return std::vector<SettingsChange>{
        skill_at(".agents"),
        {file, How::member, {"mcpServers", "interlock"}, server_of(program), {}},
        {file,
         How::element,
         {"hooks", "BeforeTool"},
         gemini_hook(program, pre_tool(client, options)),
         " hook pre-tool "},
        {file,
         How::element,
         {"hooks", "AfterTool"},
         gemini_hook(program, "post-tool --for gemini"),
         " hook post-tool "}};
  }
  if (client == "opencode") {
    const json::value server = json::object{{"type", "local"},
                                            {"command", json::array{json::string(program), "mcp"}},
                                            {"enabled", true}};
    return std::vector<SettingsChange>{
        skill_at(".agents"),
        {"opencode.json", How::member, {"mcp", "interlock"}, server, {}},
        {".opencode/plugins/interlock.js", How::whole, {}, {}, plugin_text(program, options)}};
  }
  return std::nullopt;
}

Result<std::optional<Added>> addition_for(const SettingsChange& change, std::string_view document) {
  switch (change.how) {
    case How::whole:
      if (document == change.text) return std::nullopt;
      if (!document.empty())
        return fail(Error::Kind::refused, "it is there and holds something else");
      return Added{0, change.text};
    case How::member: return add_member(document, change.path, change.value);
    case How::element: return add_element(document, change.path, change.value, change.text);
    case How::section: {
      const std::string head = "[" + change.path.front() + "]";
      if (document.contains(change.text)) return std::nullopt;
      if (document.contains(head))
        return fail(Error::Kind::refused, fmt::format("it has another `{}` already", head));
      // After all the rest: what stands behind a table's head belongs to that table.
      const bool ends_line = document.empty() || document.ends_with('\n');
      return Added{document.size(), (ends_line ? "" : "\n") +
                                        std::string(document.empty() ? "" : "\n") + change.text};
    }
  }
  return std::nullopt;
}

}  // namespace interlock::cli
