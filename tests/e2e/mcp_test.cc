#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "e2e/cli_harness.h"

// An agent's client asks Interlock what to run at once, and has it run.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Mcp : public Cli {
 protected:
  /// One conversation: what is asked, tool by tool, and the answers by their ids.
  std::vector<json::object> ask(const std::vector<std::string>& calls,
                                const std::vector<std::string>& options = {}) {
    std::string input =
        R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}})"
        "\n"
        R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
        "\n";
    for (std::size_t i = 0; i < calls.size(); ++i)
      input += fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{}}})",
                           i + 1, calls[i]) +
               "\n";
    std::vector<std::string> words{"mcp"};
    words.insert(words.end(), options.begin(), options.end());
    const Ended ended = interlock(words, input);
    EXPECT_EQ(ended.exit, 0) << ended.err;
    std::vector<json::object> answers(calls.size() + 1);
    std::size_t begin = 0;
    for (std::size_t end = ended.out.find('\n'); end != std::string::npos;
         end = ended.out.find('\n', begin)) {
      const json::value message = parse_json(ended.out.substr(begin, end - begin)).value();
      if (message.get_object().contains("id"))
        answers.at(static_cast<std::size_t>(message.at("id").to_number<int>())) =
            message.get_object();
      begin = end + 1;
    }
    EXPECT_EQ(begin, ended.out.size()) << "nothing but messages on standard output";
    return answers;
  }
  json::object answered(const std::string& call) {
    const json::object answer = ask({call})[1];
    const json::value* result = answer.if_contains("result");
    EXPECT_NE(result, nullptr) << json::serialize(answer);
    if (result == nullptr) return {};
    EXPECT_FALSE(result->at("isError").as_bool()) << json::serialize(*result);
    const json::value* content = result->get_object().if_contains("structuredContent");
    return content == nullptr ? json::object{} : content->as_object();
  }
  std::string refused(const std::string& call) {
    const json::object answer = ask({call})[1];
    EXPECT_TRUE(answer.at("result").at("isError").as_bool()) << json::serialize(answer);
    return json::serialize(answer);
  }
  /// How it stands once its dispatcher has let go of it.
  json::object waited(const std::string& run) {
    EXPECT_EQ(interlock({"log", "-f", run}).exit, 0);
    return answered(fmt::format(R"({{"name":"status","arguments":{{"run":"{}"}}}})", run));
  }
};

constexpr const char* kTasks =
    R"("tasks":[{"id":"a","run":"echo one","reads":[],"writes":[],"output":"text"},)"
    R"({"id":"b","run":"echo two >b; exit 3","reads":[],"writes":["b"]}])";

TEST_F(Mcp, plans_runs_and_reads_what_came_of_it) {
  const json::object plan =
      answered(fmt::format(R"({{"name":"plan","arguments":{{{}}}}})", kTasks));
  EXPECT_EQ(plan.at("decision").at("pattern").as_string(), "sequential");
  EXPECT_TRUE(plan.at("forecast").as_object().contains("parallel"));

  const json::object begun =
      answered(fmt::format(R"({{"name":"run","arguments":{{{},"pattern":"parallel"}}}})", kTasks));
  const std::string run(begun.at("run").as_string());
  const json::object status = waited(run);
  EXPECT_EQ(status.at("state").as_string(), "failed");
  EXPECT_EQ(status.at("tasks").at(0).at("id").as_string(), "b") << "what failed comes first";
  EXPECT_THAT(std::string(status.at("next").as_string()), HasSubstr("why"));

  EXPECT_EQ(
      answered(fmt::format(R"({{"name":"output","arguments":{{"run":"{}","name":"a"}}}})", run))
          .at("text")
          .as_string(),
      "one\n");
  EXPECT_THAT(
      std::string(
          answered(fmt::format(R"({{"name":"why","arguments":{{"run":"{}","task":"b"}}}})", run))
              .at("because")
              .as_string()),
      HasSubstr("3"));
  EXPECT_EQ(read("b"), "two\n");
  EXPECT_EQ(answered(R"({"name":"runs","arguments":{}})").at("runs").at(0).at("run").as_string(),
            run);
}

TEST_F(Mcp, adds_tasks_to_a_queue_that_a_person_started) {
  EXPECT_THAT(refused(R"({"name":"add","arguments":{"command":"true"}})"),
              HasSubstr("no queue `default` stands here"));
  const Ended started = interlock({"queue", "start", "--isolation", "direct"});
  ASSERT_EQ(started.exit, 0) << started.err;
  const json::object added = answered(
      R"({"name":"add","arguments":{"command":"echo one >a","writes":["a"],"id":"first"}})");
  EXPECT_EQ(added.at("task").as_string(), "first");
  EXPECT_TRUE(added.at("added").as_bool());
  EXPECT_EQ(interlock({"wait", "default", "first"}).exit, 0);
  EXPECT_EQ(read("a"), "one\n");
  EXPECT_EQ(answered(R"({"name":"queue","arguments":{}})").at("done").as_int64(), 1);
  EXPECT_THAT(refused(R"({"name":"add","arguments":{"command":"true","needs":["frist"]}})"),
              HasSubstr("did you mean `first`?"));
  EXPECT_EQ(interlock({"queue", "stop"}).exit, 0);
  EXPECT_EQ(interlock({"wait", "default"}).exit, 0);
}

TEST_F(Mcp, tells_what_is_wrong_so_that_a_model_can_mend_it) {
  EXPECT_THAT(refused(R"({"name":"plan","arguments":{"tasks":[{"id":"a","runn":"true"}]}})"),
              HasSubstr("runn"));
  EXPECT_THAT(refused(R"({"name":"run","arguments":{"file":"none.yaml"}})"),
              HasSubstr("none.yaml"));
  EXPECT_THAT(refused(R"({"name":"status","arguments":{"run":"r-none"}})"),
              HasSubstr("nothing was run yet"));
  const json::object unknown = ask({R"({"name":"approve","arguments":{"run":"last"}})"})[1];
  EXPECT_TRUE(unknown.contains("error")) << "gates are for people, unless it is said";
}

TEST_F(Mcp, answers_gates_only_where_a_person_allowed_it) {
  const json::object begun = answered(
      R"({"name":"run","arguments":{"tasks":[{"id":"a","run":"echo done >a","reads":[],"writes":["a"],"gate":"before"}]}})");
  const std::string run(begun.at("run").as_string());
  EXPECT_EQ(waited(run).at("state").as_string(), "waits at a gate");
  const std::string arguments = fmt::format(R"("arguments":{{"run":"{}"}}}})", run);
  ask({R"({"name":"approve",)" + arguments}, {"--approve"});
  ask({R"({"name":"resume",)" + arguments}, {"--approve"});
  EXPECT_EQ(waited(run).at("state").as_string(), "finished");
  EXPECT_EQ(read("a"), "done\n");
}

TEST_F(Mcp, is_not_for_a_terminal_and_ends_with_its_input) {
  EXPECT_EQ(interlock({"mcp"}, "").exit, 0);
  const Ended odd = interlock({"mcp"}, "no json\n[]\n\n");
  EXPECT_EQ(odd.exit, 0);
  EXPECT_THAT(odd.out, HasSubstr("-32700"));
  EXPECT_THAT(odd.out, HasSubstr("-32600"));
}

class Detached : public Cli {};

TEST_F(Detached, a_run_goes_on_without_its_terminal) {
  const NamedPipe pipe(folder() + "/bell");
  write_plan("tasks: [{id: a, run: 'read line <" + pipe.path() + "; echo rung >a'}]\n");
  const Ended begun = interlock({"run", "plan.yaml", "--detach"});
  EXPECT_EQ(begun.exit, 0) << begun.err;
  ASSERT_THAT(begun.out, HasSubstr("r-"));
  const std::string run = begun.out.substr(0, begun.out.find('\n'));
  EXPECT_THAT(interlock({"show", run}).out, HasSubstr("running"));
  pipe.ring();
  EXPECT_EQ(interlock({"log", "-f", run}).exit, 0);
  EXPECT_EQ(at(json_of({"show", run}), "/state"), "finished");
  EXPECT_EQ(read("a"), "rung\n");
}

TEST_F(Detached, what_keeps_it_from_beginning_is_said_at_once) {
  write_plan("tasks: [{id: a, runn: 'true'}]\n");
  const Ended wrong = interlock({"run", "plan.yaml", "--detach"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("runn"));
  EXPECT_THAT(wrong.out, Not(HasSubstr("r-")));
}

class ForClients : public Cli {
 protected:
  std::string hook(const std::string& id, const std::vector<std::string>& options = {}) {
    std::vector<std::string> words{"hook", "pre-tool", "--for", "claude-code"};
    words.insert(words.end(), options.begin(), options.end());
    const Ended ended = interlock(
        words,
        fmt::format(
            R"({{"hook_event_name":"PreToolUse","tool_name":"Agent","tool_use_id":"{}",)"
            R"("transcript_path":"{}/talk.jsonl","cwd":"{}","tool_input":{{"prompt":"x"}}}})",
            id, workspace(), workspace()));
    EXPECT_EQ(ended.exit, 0);
    return ended.out;
  }
  void console_of(const std::string& kind, const std::string& more = "") {
    std::string text;
    for (const auto* id : {"t1", "t2", "t3"})
      text +=
          fmt::format(
              R"({{"message":{{"id":"m","content":[{{"type":"tool_use","id":"{}","name":"Agent",)"
              R"("input":{{"prompt":"look","subagent_type":"{}"{}}}}}]}}}})",
              id, kind, more) +
          "\n";
    write("talk.jsonl", text);
  }
};

TEST_F(ForClients, settings_are_added_to_and_come_back_byte_by_byte) {
  const std::string settings = "{\n  // mine\n  \"permissions\": {\"allow\": [\"Read\"]},\n}\n";
  write(".claude/settings.json", settings);
  const Ended added = interlock({"init", "--for", "claude-code"});
  EXPECT_EQ(added.exit, 0) << added.err;
  EXPECT_THAT(read(".mcp.json"), HasSubstr("\"mcp\""));
  EXPECT_THAT(read(".claude/skills/interlock/SKILL.md"), HasSubstr("name: interlock"));
  EXPECT_THAT(read(".claude/settings.json"), HasSubstr("hook pre-tool --for claude-code"));
  EXPECT_THAT(read(".claude/settings.json"), HasSubstr("// mine"));
  const std::string once = read(".claude/settings.json");
  EXPECT_THAT(interlock({"init", "--for", "claude-code"}).err, HasSubstr("there already"));
  EXPECT_EQ(read(".claude/settings.json"), once);
  EXPECT_EQ(interlock({"init", "--for", "claude-code", "--undo"}).exit, 0);
  EXPECT_EQ(read(".claude/settings.json"), settings);
  EXPECT_FALSE(exists(".mcp.json"));
  EXPECT_FALSE(exists(".claude/skills"));
  EXPECT_EQ(interlock({"init", "--for", "claude-code", "--undo"}).exit, 2);
}

TEST_F(ForClients, each_client_has_its_own_places) {
  for (const auto& [client, file] : {std::pair{"codex", ".codex/config.toml"},
                                     {"gemini", ".gemini/settings.json"},
                                     {"opencode", "opencode.json"}}) {
    const Ended added = interlock({"init", "--for", client});
    EXPECT_EQ(added.exit, 0) << added.err;
    EXPECT_TRUE(exists(file)) << added.out;
    EXPECT_TRUE(exists(".agents/skills/interlock/SKILL.md"));
    EXPECT_EQ(interlock({"init", "--for", client, "--undo"}).exit, 0);
    EXPECT_FALSE(exists(file));
  }
  EXPECT_FALSE(exists(".agents"));
}

TEST_F(ForClients, what_is_in_the_way_is_named_and_nothing_is_changed) {
  write(".mcp.json", "{\"mcpServers\": {\"interlock\": {\"command\": \"mine\"}}}");
  const Ended refused = interlock({"init", "--for", "claude-code"});
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err, HasSubstr("has another `interlock` already"));
  EXPECT_FALSE(exists(".claude"));
  EXPECT_EQ(interlock({"init", "--for", "emacs"}).exit, 2);
  EXPECT_EQ(interlock({"init", "research", "--for", "codex"}).exit, 2);
  EXPECT_EQ(interlock({"init", "--undo"}).exit, 2);
}

TEST_F(ForClients, a_hook_advises_once_and_permits_nothing) {
  console_of("general-purpose");
  const std::string first = hook("t2");
  EXPECT_THAT(first, HasSubstr("additionalContext"));
  EXPECT_THAT(first, HasSubstr("3 sub-agents: sequential"));
  EXPECT_THAT(first, Not(HasSubstr("permissionDecision"))) << "that is the person's";
  EXPECT_EQ(hook("t1"), "") << "whoever asks first is told";
  EXPECT_EQ(hook("unknown"), "") << "one alone needs no advice";
}

TEST_F(ForClients, a_hook_denies_what_the_plan_refuses_and_what_is_too_many) {
  console_of("general-purpose");
  EXPECT_THAT(hook("t2", {"--enforce"}), HasSubstr("\"permissionDecision\":\"deny\""));
  EXPECT_THAT(hook("t2", {"--most", "2"}), Not(HasSubstr("deny")));
  EXPECT_THAT(hook("t3", {"--most", "2"}), HasSubstr("sub-agent 3 of 3"));
  console_of("Explore");
  EXPECT_EQ(hook("t2", {"--enforce"}), "") << "who only read do not meet";
  console_of("general-purpose", R"(,"isolation":"worktree")");
  EXPECT_EQ(hook("t2", {"--enforce"}), "") << "what they do is merged";
  EXPECT_THAT(hook("t3", {"--most", "2"}), HasSubstr("sub-agent 3 of 3"));
}

TEST_F(ForClients, siblings_are_known_before_the_transcript_tells_of_them) {
  for (const char* id : {"t1", "t2", "t3", "t4"})
    write(id, fmt::format(R"({{"session_id":"s","prompt_id":"p","tool_name":"Agent",)"
                          R"("tool_use_id":"{}","transcript_path":"{}/none","cwd":"{}",)"
                          R"("tool_input":{{"prompt":"x"}}}})",
                          id, workspace(), workspace()));
  const std::string hook = INTERLOCK_BINARY " hook pre-tool --for claude-code --enforce";
  EXPECT_EQ(shell(hook + " <t1").out, "");
  // At once, as its client asks: who began more than a second before is no sibling.
  EXPECT_THAT(
      shell("for id in t2 t3 t4; do " + hook + " <$id >$id.out & done; wait; cat *.out").out,
      HasSubstr("\"permissionDecision\":\"deny\""));
}

TEST_F(ForClients, a_hook_that_understands_nothing_stands_in_nobodys_way) {
  for (const auto* input :
       {"", "{", "[]", "{\"tool_use_id\": \"x\", \"transcript_path\": \"/proc/self/mem\"}"}) {
    const Ended ended = interlock({"hook", "pre-tool", "--for", "claude-code", "--enforce"}, input);
    EXPECT_EQ(ended.exit, 0) << input;
    EXPECT_EQ(ended.out, "") << input;
  }
}

/// Clients that tell of no message: what runs at once is known by beginnings and ends.
class ForOthers : public ForClients {
 protected:
  std::string at(const std::string& when, const std::string& client, const std::string& prompt,
                 const std::vector<std::string>& options = {}) {
    std::vector<std::string> words{"hook", when, "--for", client};
    words.insert(words.end(), options.begin(), options.end());
    const std::string id =
        client == "opencode" ? fmt::format(R"("tool_use_id":"call-{}",)", prompt) : "";
    const Ended ended = interlock(
        words, fmt::format(R"({{"session_id":"s-1",{}"cwd":"{}","tool_name":"x",)"
                           R"("tool_input":{{"agent_name":"generalist","prompt":"{}"}}}})",
                           id, workspace(), prompt));
    EXPECT_EQ(ended.exit, 0) << ended.err;
    return ended.out;
  }
};

TEST_F(ForOthers, the_first_that_ends_brings_the_advice_once) {
  for (const auto* client : {"gemini", "opencode"}) {
    for (const auto* part : {"a", "b", "c"}) EXPECT_EQ(at("pre-tool", client, part), "");
    EXPECT_THAT(at("post-tool", client, "b"), HasSubstr("these 3 sub-agents: sequential"));
    EXPECT_EQ(at("post-tool", client, "a"), "");
    EXPECT_EQ(at("post-tool", client, "unknown"), "");
    EXPECT_EQ(at("post-tool", client, "c"), "");
    EXPECT_EQ(at("pre-tool", client, "alone"), "");
    EXPECT_EQ(at("post-tool", client, "alone"), "") << "one by one needs none";
  }
}

TEST_F(ForOthers, a_second_one_is_denied_while_the_first_runs_where_that_is_asked_for) {
  for (const auto* client : {"gemini", "opencode"}) {
    EXPECT_EQ(at("pre-tool", client, "a", {"--enforce"}), "");
    const std::string denied = at("pre-tool", client, "b", {"--enforce"});
    EXPECT_THAT(denied, HasSubstr("\"decision\":\"deny\""));
    EXPECT_THAT(denied, HasSubstr("call the tool `plan`"));
    at("post-tool", client, "a");
    EXPECT_EQ(at("pre-tool", client, "b", {"--enforce"}), "");
    EXPECT_THAT(at("pre-tool", client, "c", {"--most", "1"}), HasSubstr("at most 1"));
    at("post-tool", client, "b");
  }
}

TEST_F(ForOthers, their_settings_come_back_byte_by_byte) {
  const std::string own = "{\n  \"hooks\": {\"BeforeTool\": [{\"matcher\": \"x\"}]}, // mine\n}\n";
  write(".gemini/settings.json", own);
  EXPECT_EQ(interlock({"init", "--for", "gemini", "--enforce"}).exit, 0);
  const std::string added = read(".gemini/settings.json");
  EXPECT_THAT(added, HasSubstr("hook pre-tool --for gemini --enforce"));
  EXPECT_THAT(added, HasSubstr("hook post-tool --for gemini"));
  EXPECT_EQ(interlock({"init", "--for", "gemini", "--undo"}).exit, 0);
  EXPECT_EQ(read(".gemini/settings.json"), own);
  write(".opencode/plugins/interlock.js", "// mine\n");
  EXPECT_EQ(interlock({"init", "--for", "opencode"}).exit, 3);
  EXPECT_FALSE(exists("opencode.json")) << "nothing is changed where something is in the way";
  shell("rm .opencode/plugins/interlock.js");
  EXPECT_EQ(interlock({"init", "--for", "opencode", "--enforce"}).exit, 0);
  EXPECT_THAT(read(".opencode/plugins/interlock.js"), HasSubstr("const options = [\"--enforce\"]"));
  EXPECT_EQ(interlock({"init", "--for", "opencode", "--undo"}).exit, 0);
  EXPECT_FALSE(exists(".opencode/plugins/interlock.js"));
}

}  // namespace

}  // namespace interlock::e2e
