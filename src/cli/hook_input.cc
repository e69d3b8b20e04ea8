#include "cli/hook_input.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace interlock::cli {
namespace {

std::string text_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

constexpr std::size_t kPromptBytes = 2000;  ///< More of it decides nothing.

bool is_sub_agent(std::string_view tool) {
  return tool == "Agent" || tool == "Task" || tool == "spawn_agent";
}

/// Kinds that their clients give no tool to write with: of Claude Code, opencode, Gemini CLI.
bool only_reads(std::string_view kind) {
  return kind == "Explore" || kind == "Plan" || kind == "explore" ||
         kind == "codebase_investigator";
}

SubAgent sub_agent(const std::string& id, const json::object& input) {
  std::string kind = text_at(input, "subagent_type");
  if (kind.empty()) kind = text_at(input, "agent_name");
  std::string prompt = text_at(input, "prompt");
  if (prompt.empty()) prompt = text_at(input, "message");
  return {id, std::move(prompt), only_reads(kind), text_at(input, "isolation") == "worktree"};
}

/// The sub-agents one transcript line asks for, and the message they belong to.
struct Line {
  std::string message;
  std::vector<SubAgent> agents;
};
Line read_line(std::string_view text) {
  Line line;
  if (!text.contains("\"tool_use\"")) return line;
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return line;
  const json::value* message = parsed->get_object().if_contains("message");
  if (message == nullptr || !message->is_object()) return line;
  line.message = text_at(message->get_object(), "id");
  const json::value* content = message->get_object().if_contains("content");
  if (content == nullptr || !content->is_array()) return line;
  for (const json::value& block : content->get_array()) {
    const json::object* reported = block.if_object();
    if (reported == nullptr || text_at(*reported, "type") != "tool_use" ||
        !is_sub_agent(text_at(*reported, "name")))
      continue;
    const json::value* input = reported->if_contains("input");
    if (input != nullptr && input->is_object())
      line.agents.push_back(sub_agent(text_at(*reported, "id"), input->get_object()));
  }
  return line;
}

}  // namespace

std::string hook_input() {
  constexpr std::size_t kBytesMax = 4u << 20;
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got <= 0 || text.size() > kBytesMax) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

Result<HookCall> hook_call_from(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed) return std::unexpected(parsed.error());
  if (!parsed->is_object()) return fail(Error::Kind::invalid, "the hook's input is not an object");
  const json::object& reported = parsed->get_object();
  HookCall call{text_at(reported, "tool_name"),
                text_at(reported, "tool_use_id"),
                text_at(reported, "transcript_path"),
                text_at(reported, "cwd"),
                {},
                text_at(reported, "session_id"),
                text_at(reported, "prompt_id")};
  if (call.turn.empty()) call.turn = text_at(reported, "turn_id");
  if (const json::value* input = reported.if_contains("tool_input");
      input != nullptr && input->is_object())
    call.input = input->get_object();
  return call;
}

std::vector<SubAgent> siblings_of(const HookCall& call, std::string_view transcript) {
  std::vector<Line> lines;
  std::string message;
  for (const std::string_view text : split_lines(transcript)) {
    Line line = read_line(text);
    if (line.agents.empty()) continue;
    const auto own = std::ranges::find(line.agents, call.tool_use_id, &SubAgent::tool_use_id);
    if (own != line.agents.end()) message = line.message;
    lines.push_back(std::move(line));
  }
  std::vector<SubAgent> siblings;
  for (Line& line : lines) {
    if (message.empty() || line.message != message) continue;
    std::ranges::move(line.agents, std::back_inserter(siblings));
  }
  if (siblings.empty()) siblings.push_back(sub_agent(call.tool_use_id, call.input));
  return siblings;
}

std::string plan_of(const std::vector<SubAgent>& agents, const std::string& kind) {
  json::array tasks;
  for (const SubAgent& one : agents) {
    std::string prompt = one.prompt.empty() ? "work" : one.prompt.substr(0, kPromptBytes);
    // Braces of a prompt are no placeholders here.
    std::ranges::replace_if(prompt, [](char c) { return c == '{' || c == '}'; }, ' ');
    json::object task{{"id", fmt::format("agent-{}", tasks.size() + 1)},
                      {"prompt", printable(prompt)}};
    if (one.only_reads) {
      task["reads"] = json::array{"**"};
      task["writes"] = json::array{};
    }
    tasks.push_back(std::move(task));
  }
  return canonical_json(
      json::object{{"interlock", 1},
                   {"name", "sub-agents"},
                   {"agents", json::object{{"client", json::object{{"kind", kind}}}}},
                   // What they return is read by the model that asked, not by a person.
                   {"defaults", json::object{{"agent", "client"}, {"join", "10s"}}},
                   {"tasks", std::move(tasks)}});
}

}  // namespace interlock::cli
