#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "plan/settings.h"

namespace interlock::plan {

namespace {

constexpr std::string_view kAgentKeys[] = {"kind",   "run",       "prompt",   "model",   "bin",
                                           "args",   "env",       "pass_env", "api",     "base_url",
                                           "repair", "events",    "key",      "gateway", "resume",
                                           "login",  "unmetered", "slowing",  "batch"};
constexpr std::string_view kKinds[] = {"command",  "claude-code", "codex", "gemini",
                                       "opencode", "pi",          "qwen",  "chat"};
constexpr std::string_view kPromptWays[] = {"stdin", "argument", "file"};
constexpr std::string_view kApis[] = {"anthropic", "openai", "openai-responses", "gemini"};
constexpr std::string_view kKeyKeys[] = {"command"};

/// Keys that mean something for commands only, or for others only.
void check_keys_of_kind(Reading& reading, const Fields& fields, AgentKind kind) {
  static constexpr std::string_view kOfCommands[] = {"run", "prompt", "repair", "events", "resume"};
  static constexpr std::string_view kOfModels[] = {"model",    "bin", "args",    "api",
                                                   "base_url", "key", "gateway", "unmetered"};
  const auto refuse = [&](std::string_view key) {
    if (const auto node = fields[key]) {
      reading.problems.add(node->span(),
                           fmt::format("an agent of kind `{}` has no `{}`", name_of(kind), key),
                           kind == AgentKind::command ? "name the program in `run`"
                           : key == "login"           ? "only `claude-code` can use its own log-in"
                                                      : "");
    }
  };
  if (kind == AgentKind::command) {
    for (const auto key : kOfModels) refuse(key);
  } else {
    for (const auto key : kOfCommands) refuse(key);
  }
  if (kind != AgentKind::chat) refuse("api");
  if (kind != AgentKind::claude_code) refuse("login");
}

/// The person's own log-in: the client shows it, and the gateway passes it on.
void read_login(Reading& reading, const Fields& fields, Agent& agent) {
  const auto node = fields["login"];
  if (!node) return;
  agent.login = read_bool(reading, *node).value_or(false);
  if (!agent.login) return;
  if (fields["key"])
    reading.problems.add(fields["key"]->span(), "an agent has a `key` or a `login`, not both");
}

/// Whether a shell could have a variable of that name.
bool is_variable(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  constexpr std::string_view kDigits = "0123456789";
  return !name.empty() && kLetters.contains(name.front()) && std::ranges::all_of(name, [&](char c) {
    return kLetters.contains(c) || kDigits.contains(c);
  });
}

KeySource read_key(Reading& reading, Node node) {
  KeySource key;
  if (node.is_map()) {
    const Fields fields(reading, node, "a `key`", kKeyKeys);
    const auto value = fields["command"];
    if (!value) {
      if (node.size() == 0) reading.problems.add(node.span(), "the `key` has no `command`");
      return key;
    }
    const auto command = read_command(reading, *value).value_or(Command{});
    key.command = command.shell.empty() ? command.arguments
                                        : std::vector<std::string>{"sh", "-c", command.shell};
    for (std::string& argument : key.command) argument = fill(argument, reading.set);
    return key;
  }
  const auto name = read_filled(reading, node, "the name of a variable, or `{command: [...]}`");
  if (!name) return key;
  if (is_variable(*name)) {
    key.variable = *name;
  } else {
    // It may be the key: it is not said again.
    reading.problems.add(node.span(), "`key` is not the name of a variable",
                         "name the variable that holds the key, or `{command: [...]}` that prints "
                         "it; a key has no place in a plan");
  }
  return key;
}

std::string read_base_url(Reading& reading, Node node) {
  constexpr std::string_view kWanted = "a URL such as `https://api.example.com`";
  const auto url = read_filled(reading, node, kWanted);
  if (!url) return {};
  const auto scheme = url->starts_with("https://") ? std::string_view("https://") : "http://";
  const bool has_host =
      url->starts_with(scheme) && url->size() > scheme.size() && url->at(scheme.size()) != '/';
  if (has_host && url->find_first_of(" \t?#") == url->npos) return *url;
  expected(reading, node, kWanted);
  return {};
}

/// `{session}` stays for when it runs.
Command read_resume(Reading& reading, Node node) {
  const auto command = read_command(reading, node);
  if (!command) return {};
  std::vector<std::string> texts = command->arguments;
  texts.push_back(command->shell);
  const bool names_it = std::ranges::any_of(texts, [](const std::string& text) {
    const auto names = placeholders(text);
    return std::ranges::find(names, "session") != names.end();
  });
  const auto script = script_of(*command);
  const auto unsafe = script ? unsafe_for_shell(*script, reading.set) : std::nullopt;
  if (!names_it) {
    reading.problems.add(node.span(), "`resume` does not say which session",
                         "let `{session}` stand where the program takes it");
  } else if (unsafe) {
    reading.problems.add(node.span(),
                         fmt::format("`{{{}}}` stands {}, where a shell would not take it as data",
                                     unsafe->name, unsafe->where),
                         "let it stand in a word of its own");
  }
  return fill_command(*command, reading.set, Stage::early);
}

/// A path as it stands in a request, below the provider's base URL.
std::vector<std::string> read_paths(Reading& reading, Node node) {
  std::vector<std::string> paths = texts_of(read_items(reading, node, "a list of paths"));
  for (const std::string& path : paths) {
    if (path.starts_with('/') && path.find_first_of("?# ") == path.npos) continue;
    reading.problems.add(node.span(), fmt::format("{} is not the path of a request", quoted(path)),
                         "write it as `/v1/embeddings`, or `/v1/files/*` for all that begin so");
  }
  return paths;
}

/// Whom a model's agent talks to, and how.
void read_connection(Reading& reading, const Fields& fields, Agent& agent) {
  if (const auto value = fields["api"]) {
    if (const auto index = read_choice(reading, *value, kApis)) agent.api = kApis[*index];
  }
  if (const auto value = fields["base_url"]) agent.base_url = read_base_url(reading, *value);
  if (const auto value = fields["key"]) agent.key = read_key(reading, *value);
  if (const auto value = fields["gateway"])
    agent.gateway = read_bool(reading, *value).value_or(true);
  read_login(reading, fields, agent);
  if (const auto value = fields["unmetered"]) agent.unmetered = read_paths(reading, *value);
  if (agent.gateway || agent.kind == AgentKind::command) return;
  // Only the gateway puts a key in place of its own; without it these would be ignored in silence.
  if (const auto value = fields["key"]) {
    reading.problems.add(value->span(), "`key` means nothing with `gateway: false`",
                         "the client finds its key by itself: let its variable through with "
                         "`pass_env: [NAME]`");
  }
  if (const auto value = fields["unmetered"])
    reading.problems.add(value->span(), "`unmetered` means nothing with `gateway: false`");
}

/// What only commands have.
void read_command_keys(Reading& reading, const Fields& fields, Agent& agent) {
  if (const auto value = fields["run"])
    agent.run = read_command(reading, *value).value_or(Command{});
  if (const auto value = fields["repair"])
    agent.repair = read_command(reading, *value).value_or(Command{});
  if (const auto value = fields["prompt"]) {
    const auto index = read_choice(reading, *value, kPromptWays);
    agent.prompt_by = static_cast<PromptBy>(index.value_or(0));
  }
  if (const auto value = fields["events"]) agent.events = read_events(reading, *value);
  if (const auto value = fields["resume"]) {
    agent.resume = read_resume(reading, *value);
    const auto names = [](const EventRule& rule) {
      return rule.gives == EventRule::Gives::session;
    };
    if (std::ranges::none_of(agent.events, names)) {
      reading.problems.add(value->span(), "`resume` needs `events` that say what session it is",
                           "add `events` with `session` and `final`");
    }
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
  read_connection(reading, fields, agent);
  read_command_keys(reading, fields, agent);
  if (const auto value = fields["args"]) {
    for (auto& item : read_items(reading, *value, "a list of arguments")) {
      agent.arguments.push_back(fill(item.text, reading.set, Stage::early));
    }
  }
  if (const auto value = fields["batch"]) agent.batch = read_batch(reading, *value);
  if (const auto value = fields["slowing"]) agent.slowing = read_slowing(reading, *value);
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
