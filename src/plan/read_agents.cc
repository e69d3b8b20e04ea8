#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "plan/settings.h"

namespace interlock::plan {

namespace {

constexpr std::string_view kAgentKeys[] = {"kind", "run", "prompt",   "model", "bin",
                                           "args", "env", "pass_env", "api",   "base_url",
                                           "repair"};
constexpr std::string_view kKinds[] = {"command",  "claude-code", "codex", "gemini",
                                       "opencode", "pi",          "qwen",  "chat"};
constexpr std::string_view kPromptWays[] = {"stdin", "argument", "file"};

/// Keys that mean something for commands only, or for others only.
void check_keys_of_kind(Reading& reading, const Fields& fields, AgentKind kind) {
  static constexpr std::string_view kOfCommands[] = {"run", "prompt", "repair"};
  static constexpr std::string_view kOfModels[] = {"model", "bin", "args", "api", "base_url"};
  const auto refuse = [&](std::string_view key) {
    if (const auto node = fields[key]) {
      reading.problems.add(node->span(),
                           fmt::format("an agent of kind `{}` has no `{}`", name_of(kind), key),
                           kind == AgentKind::command ? "name the program in `run`" : "");
    }
  };
  if (kind == AgentKind::command) {
    for (const auto key : kOfModels) refuse(key);
  } else {
    for (const auto key : kOfCommands) refuse(key);
  }
  if (kind != AgentKind::chat) {
    refuse("api");
    refuse("base_url");
  }
}

Agent read_agent(Reading& reading, std::string name, Node node) {
  Agent agent;
  agent.name = std::move(name);
  agent.place = reading.problems.source().place(node.span());
  const Fields fields(reading, node, "an agent", kAgentKeys);
  if (!node.is_map()) return agent;
  const auto kind = fields["kind"];
  if (!kind) {
    std::vector<std::string> kinds;
    for (const auto each : kKinds) kinds.emplace_back(each);
    reading.problems.add(node.span(), fmt::format("agent {} has no `kind`", quoted(agent.name)),
                         fmt::format("one of {}", join_words(kinds, kinds.size())));
  } else if (const auto index = read_choice(reading, *kind, kKinds)) {
    agent.kind = static_cast<AgentKind>(*index);
    check_keys_of_kind(reading, fields, agent.kind);
  }
  const auto take_text = [&](std::string_view key, std::string& into, std::string_view wanted) {
    if (const auto value = fields[key]) into = read_filled(reading, *value, wanted).value_or("");
  };
  take_text("model", agent.model, "the name of a model");
  take_text("bin", agent.binary, "the path or name of a program");
  take_text("api", agent.api, "the name of an API");
  take_text("base_url", agent.base_url, "a URL");
  if (const auto value = fields["run"])
    agent.run = read_command(reading, *value).value_or(Command{});
  if (const auto value = fields["repair"])
    agent.repair = read_command(reading, *value).value_or(Command{});
  if (const auto value = fields["prompt"]) {
    const auto index = read_choice(reading, *value, kPromptWays);
    agent.prompt_by = static_cast<PromptBy>(index.value_or(0));
  }
  if (const auto value = fields["args"]) {
    for (auto& item : read_items(reading, *value, "a list of arguments")) {
      agent.arguments.push_back(fill(item.text, reading.set, Stage::early));
    }
  }
  if (const auto value = fields["env"]) agent.environment = read_environment(reading, *value);
  if (const auto value = fields["pass_env"]) {
    agent.pass_environment = texts_of(read_items(reading, *value, "a list of names"));
  }
  return agent;
}

}  // namespace

std::optional<AgentId> only_declared_agent(const Plan& plan) {
  std::optional<AgentId> only;
  for (std::size_t at = 0; at < plan.agents.size(); ++at) {
    if (plan.agents[at].place.line == 0) continue;  // `sh`, which is there by itself.
    if (only) return std::nullopt;
    only = AgentId(at);
  }
  return only;
}

void read_agents(Reading& reading, std::optional<Node> node) {
  auto& agents = reading.plan.agents;
  if (node && !node->is_map() && !node->is_null())
    expected(reading, *node, "a map from names to agents");
  if (node && node->size() > kMostDeclared) {
    reading.problems.add(node->span(), fmt::format("more than {} agents", kMostDeclared));
  } else if (node && node->is_map()) {
    for (const auto& [key, value] : node->entries()) {
      const auto same = [&](const Agent& agent) { return agent.name == key.text(); };
      if (key.is_scalar() && std::ranges::none_of(agents, same)) {
        agents.push_back(read_agent(reading, std::string(key.text()), value));
      }
    }
  }
  if (std::ranges::find(agents, "sh", &Agent::name) == agents.end())
    agents.emplace_back().name = "sh";
}

}  // namespace interlock::plan
