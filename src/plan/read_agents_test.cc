// Agents as a plan declares them, with the keys that only some kinds have.

#include <fmt/format.h>

#include "plan/fill.h"
#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

ReadResult read_agent(std::string_view agent, const std::map<std::string, std::string>& set = {}) {
  FakeFiles files;
  const auto text =
      fmt::format("interlock: 1\nagents:\n  mine: {}\ntasks: [{{id: a, run: x}}]\n", agent);
  return read_plan(text, {.file = "plan.yaml", .folder = "/plan", .set = set, .isolation = {}},
                   files);
}

/// Each problem on a line, without the plan's own lines: `3:5 message | hint`.
std::string problems_of(std::string_view agent) {
  std::string out;
  for (const auto& problem : read_agent(agent).problems) {
    out += fmt::format("{}:{} {}", problem.place.line, problem.place.column, problem.message);
    out += problem.hint.empty() ? "\n" : fmt::format(" | {}\n", problem.hint);
  }
  return out;
}

Agent agent_of(std::string_view agent, const std::map<std::string, std::string>& set = {}) {
  const auto result = read_agent(agent, set);
  EXPECT_EQ(render(result.problems, "plan.yaml"), "");
  return result.plan.agents.at(0);
}

std::string show_rules(const Agent& agent) {
  std::string out;
  for (const EventRule& rule : agent.events) {
    out += fmt::format("{} at `{}`", static_cast<int>(rule.gives), rule.at);
    for (const auto& [path, text] : rule.when) out += fmt::format(" when {}={}", path, text);
    out += rule.sum ? " sum\n" : "\n";
  }
  return out;
}

TEST(AgentKeys, AgentsWorkInACopyAndCommandsInTheWorkspaceUnlessThePlanSaysOtherwise) {
  const auto isolation = [](std::string_view plan, std::vector<Isolation> option = {}) {
    FakeFiles files;
    auto result = read_plan(
        fmt::format("interlock: 1\n{}", plan),
        {.file = "p", .folder = "/plan", .set = {}, .isolation = std::move(option)}, files);
    EXPECT_EQ(render(result.problems, "p"), "");
    std::string text;
    for (const Task& task : result.plan.tasks) {
      text += fmt::format("{}: {}", task.id, name_of(task.isolation));
      for (const Isolation other : task.isolation_else) text += fmt::format(" {}", name_of(other));
      text += "\n";
    }
    return text;
  };
  const std::string tasks =
      "agents: {c: {kind: claude-code}, m: {kind: command, run: [m]}}\n"
      "tasks: [{id: own, run: x}, {id: by-command, agent: m, prompt: p}, {id: by-claude, agent: c, "
      "prompt: p},\n"
      "  {id: said, agent: c, prompt: p, isolation: direct}]\n"
      "merge: {all: {from: by-claude, with: agent, agent: c, prompt: p}}\n";
  EXPECT_EQ(isolation(tasks),
            "own: direct\nby-command: direct\nby-claude: view guard\nsaid: direct\nmerge:all: view "
            "guard\n");
  EXPECT_EQ(isolation("defaults: {isolation: guard}\n" + tasks),
            "own: guard\nby-command: guard\nby-claude: guard\nsaid: direct\nmerge:all: guard\n");
  EXPECT_EQ(
      isolation(tasks, {Isolation::direct}),
      "own: direct\nby-command: direct\nby-claude: direct\nsaid: direct\nmerge:all: direct\n");
}

TEST(AgentKeys, ALogInIsClaudeCodesAloneAndTakesThePlaceOfAKey) {
  const Agent agent = agent_of("{kind: claude-code, login: true}");
  EXPECT_TRUE(agent.login);
  EXPECT_TRUE(agent.gateway);
  EXPECT_TRUE(agent_of("{kind: claude-code, login: false}").gateway);
  EXPECT_EQ(
      problems_of("{kind: codex, login: true}"),
      "3:30 an agent of kind `codex` has no `login` | only `claude-code` can use its own log-in\n");
  EXPECT_FALSE(agent_of("{kind: claude-code, login: true, gateway: false}").gateway);
  EXPECT_EQ(problems_of("{kind: claude-code, login: true, key: MY_KEY, gateway: true}"),
            "3:47 an agent has a `key` or a `login`, not both\n");
}

TEST(AgentKeys, EveryKindOfModelHasAUrlAKeyAndMayGoPastTheGateway) {
  for (const std::string_view kind :
       {"claude-code", "codex", "gemini", "opencode", "pi", "qwen", "chat"}) {
    const Agent agent = agent_of(
        fmt::format("{{kind: {}, base_url: \"http://127.0.0.1:8080/v1\", key: MY_KEY}}", kind));
    EXPECT_EQ(name_of(agent.kind), kind);
    EXPECT_EQ(agent.base_url, "http://127.0.0.1:8080/v1");
    EXPECT_EQ(agent.key, (KeySource{"MY_KEY", {}}));
    EXPECT_FALSE(agent_of(fmt::format("{{kind: {}, gateway: false}}", kind)).gateway);
  }
  EXPECT_TRUE(agent_of("{kind: codex}").gateway);
  EXPECT_EQ(agent_of("{kind: codex}").key, KeySource());
}

TEST(AgentKeys, AKeyThatNobodyWouldUseIsAnErrorOfThePlan) {
  EXPECT_EQ(problems_of("{kind: codex, key: MY_KEY, gateway: false}"),
            "3:28 `key` means nothing with `gateway: false` | the client finds its key by itself: "
            "let its "
            "variable through with `pass_env: [NAME]`\n");
}

TEST(AgentKeys, WhatCannotBeMeteredPassesOnlyByName) {
  EXPECT_EQ(agent_of("{kind: codex, unmetered: [/v1/embeddings, \"/v1/files/*\"]}").unmetered,
            (std::vector<std::string>{"/v1/embeddings", "/v1/files/*"}));
  EXPECT_EQ(problems_of("{kind: codex, unmetered: [embeddings]}"),
            "3:34 `embeddings` is not the path of a request | write it as `/v1/embeddings`, or "
            "`/v1/files/*` for all that begin so\n");
}

TEST(AgentKeys, AKeyCanComeFromACommand) {
  EXPECT_EQ(agent_of("{kind: codex, key: {command: [pass, show, codex]}}").key,
            (KeySource{"", {"pass", "show", "codex"}}));
  EXPECT_EQ(agent_of("{kind: codex, key: {command: pass show codex | head -1}}").key,
            (KeySource{"", {"sh", "-c", "pass show codex | head -1"}}));
  EXPECT_EQ(agent_of("{kind: codex, key: \"{who}_KEY\"}", {{"who", "MY"}}).key.variable, "MY_KEY");
}

TEST(AgentKeys, ChatSpeaksOneOfFourApis) {
  for (const std::string_view api : {"anthropic", "openai", "openai-responses", "gemini"})
    EXPECT_EQ(agent_of(fmt::format("{{kind: chat, api: {}}}", api)).api, api);
  EXPECT_EQ(problems_of("{kind: chat, api: antropic}"),
            "3:27 expected `anthropic`, `openai`, `openai-responses` or `gemini`, found `antropic` "
            "| did you mean `anthropic`?\n");
  EXPECT_EQ(problems_of("{kind: codex, api: openai}"),
            "3:28 an agent of kind `codex` has no `api`\n");
}

TEST(AgentKeys, AKeyItselfHasNoPlaceInAPlan) {
  EXPECT_EQ(problems_of("{kind: codex, key: sk-secret-1}"),
            "3:28 `key` is not the name of a variable | name the variable that holds the key, or "
            "`{command: [...]}` that prints it; a key has no place in a plan\n");
  EXPECT_EQ(problems_of("{kind: codex, key: {}}"), "3:28 the `key` has no `command`\n");
  EXPECT_EQ(problems_of("{kind: codex, key: {comand: x}}"),
            "3:29 unknown key `comand` in a `key` | did you mean `command`?\n");
  EXPECT_EQ(problems_of("{kind: codex, key: [a]}"),
            "3:28 expected the name of a variable, or `{command: [...]}`, found a list\n");
}

TEST(AgentKeys, AUrlHasASchemeAndAHost) {
  for (const std::string_view url :
       {"example.com", "ftp://x", "http://", "https:///v1", "http://x/?a=1", "http://x y"}) {
    EXPECT_EQ(
        problems_of(fmt::format("{{kind: codex, base_url: \"{}\"}}", url)),
        fmt::format("3:34 expected a URL such as `https://api.example.com`, found `{}`\n", url));
  }
}

TEST(AgentKeys, OfModelsMeanNothingToACommand) {
  EXPECT_EQ(problems_of("{kind: command, key: X, gateway: false}"),
            "3:30 an agent of kind `command` has no `key` | name the program in `run`\n"
            "3:42 an agent of kind `command` has no `gateway` | name the program in `run`\n");
  EXPECT_EQ(problems_of("{kind: pi, events: {final: x}}"),
            "3:28 an agent of kind `pi` has no `events`\n");
}

TEST(AgentEvents, AreRulesInOneOrderWhateverThePlansIs) {
  const Agent agent = agent_of(R"({kind: command, run: [./mine], events: {
    final: {when: {type: result, ok: true}, at: result},
    session: session_id,
    text: "message.content[0].text",
    error: {when: {type: oops}},
    input_tokens: [{when: {type: a}, at: usage.input, sum: true}, total.in],
    usd: cost}})");
  EXPECT_EQ(show_rules(agent),
            "0 at `session_id`\n"
            "2 at `message.content[0].text`\n"
            "3 at `result` when type=result when ok=true\n"
            "4 at `` when type=oops\n"
            "8 at `usage.input` when type=a sum\n"
            "8 at `total.in`\n"
            "12 at `cost`\n");
}

TEST(AgentEvents, RulesThatCannotBeMeantAreTold) {
  const auto events = [](std::string_view rules) {
    return problems_of(fmt::format("{{kind: command, events: {{{}}}}}", rules));
  };
  EXPECT_EQ(events("session: id"),
            "3:33 `events` does not say where the final answer is | add `final`: without its final "
            "event no attempt is a success\n");
  EXPECT_EQ(events("final: x, inputtokens: y"),
            "3:44 unknown key `inputtokens` in `events` | did you mean `input_tokens`?\n");
  EXPECT_EQ(events("final: a..b"),
            "3:41 expected a path such as `message.content[0].text`, found `a..b`\n");
  EXPECT_EQ(events("final: \"a[x]\""),
            "3:42 expected a path such as `message.content[0].text`, found `a[x]`\n");
  EXPECT_EQ(events("final: {}"),
            "3:41 `final` has neither `when` nor `at` | it would be in every line\n");
  EXPECT_EQ(events("final: x, usd: {when: {a: b}}"),
            "3:49 `usd` has no `at` | say the path of its value, such as `at: usage.input`\n");
  EXPECT_EQ(events("final: {at: x, sum: true}"),
            "3:41 `final` cannot be added up | `sum` is for tokens and `usd`\n");
  EXPECT_EQ(events("final: {at: x, whn: {a: b}}"),
            "3:49 unknown key `whn` in a rule of `events` | did you mean `when`?\n");
  EXPECT_EQ(
      events("final: {at: x, when: result}"),
      "3:55 expected a map from paths to the texts they hold, such as `{type: result}`, found "
      "`result`\n");
  EXPECT_EQ(problems_of("{kind: command, events: all}"),
            "3:33 expected `events` as a map, found `all`\n");
}

TEST(AgentResume, KeepsTheSessionForWhenItRuns) {
  const Agent agent = agent_of(
      "{kind: command, events: {session: id, final: x}, resume: [\"{bin}\", --resume, "
      "\"{session}\"]}",
      {{"bin", "./mine"}});
  EXPECT_EQ(agent.resume.arguments, (std::vector<std::string>{"./mine", "--resume", "{session}"}));
  const auto lookup = [](std::string_view name) {
    return name == "session" ? std::optional<std::string>("s 1") : std::nullopt;
  };
  EXPECT_EQ(fill_command(agent.resume, lookup).arguments.back(), "s 1");
  const Agent shell =
      agent_of("{kind: command, events: {session: id, final: x}, resume: \"./mine -r {session}\"}");
  EXPECT_EQ(fill_command(shell.resume, lookup).shell, "./mine -r 's 1'");
}

TEST(AgentResume, NeedsASessionToResume) {
  EXPECT_EQ(problems_of("{kind: command, events: {session: s, final: x}, resume: [./mine, -r]}"),
            "3:65 `resume` does not say which session | let `{session}` stand where the program "
            "takes it\n");
  EXPECT_EQ(
      problems_of("{kind: command, resume: [./mine, \"{session}\"]}"),
      "3:33 `resume` needs `events` that say what session it is | add `events` with `session` "
      "and `final`\n");
  EXPECT_EQ(
      problems_of("{kind: command, events: {final: x}, resume: [./mine, \"{session}\"]}"),
      "3:53 `resume` needs `events` that say what session it is | add `events` with `session` "
      "and `final`\n");
  EXPECT_EQ(problems_of("{kind: command, events: {session: s, final: x}, resume: \"./mine `echo "
                        "{session}`\"}"),
            "3:66 `{session}` stands in backquotes, where a shell would not take it as data | let "
            "it stand in a word of its own\n");
}

}  // namespace
}  // namespace interlock::plan
