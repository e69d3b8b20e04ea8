#include <gmock/gmock.h>

#include <filesystem>

#include "e2e/cli_harness.h"

// Clients that are not among those Interlock knows: a command, and where its lines say what.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class MappedCommand : public Cli {
 protected:
  /// A client of a few lines of shell; `body` may use `$1`, the session it takes up.
  void plan_with(const std::string& body, const std::string& task) {
    write("client", body);
    write_plan(R"(
agents:
  mine:
    kind: command
    run: [sh, client]
    resume: [sh, client, "{session}"]
    prompt: stdin
    events:
      session: {when: {type: hello}, at: id}
      final: {when: {type: end}, at: text}
      error: {when: {type: error}, at: message}
      input_tokens: {when: {type: end}, at: used.in}
      output_tokens: {when: {type: end}, at: used.out}
defaults: {agent: mine, retries: 0}
tasks:
  - )" + task + "\n");
  }
};

TEST_F(MappedCommand, gives_its_answer_session_and_tokens) {
  plan_with(R"(cat >/dev/null
echo '{"type":"hello","id":"s-1"}'
echo 'some noise'
echo '{"type":"end","text":"forty-two","used":{"in":10,"out":3}}'
)",
            "{id: a, prompt: how many?, reads: [], writes: [], output: text}");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "a"}).out, "forty-two");
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/tokens/input"), "10");
  EXPECT_EQ(at(shown, "/tasks/0/history/0/session"), "s-1");
  EXPECT_EQ(at(shown, "/tasks/0/history/0/counted_by"), "client, in part");
  EXPECT_EQ(at(shown, "/tasks/0/tokens_complete"), "false")
      << "a mapping does not say that it is all";
}

TEST_F(MappedCommand, that_exits_well_without_its_last_word_has_failed) {
  plan_with("cat >/dev/null; echo '{\"type\":\"hello\",\"id\":\"s-1\"}'\n",
            "{id: a, prompt: how many?, reads: [], writes: [], output: text}");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "no-final");
}

TEST_F(MappedCommand, corrects_its_answer_in_the_session_it_had) {
  plan_with(R"(cat >told-"${1:-first}"
echo '{"type":"hello","id":"s-7"}'
if test "$1" = s-7; then echo '{"type":"end","text":"{\"n\": 42}"}'
else echo '{"type":"end","text":"forty-two"}'; fi
)",
            "{id: a, prompt: how many?, output: {schema: {type: object}}}");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "a"}).out, "{\"n\": 42}");
  EXPECT_THAT(read("told-first"), HasSubstr("how many?"));
  EXPECT_THAT(read("told-s-7"), HasSubstr("was not accepted"));
  EXPECT_THAT(read("told-s-7"), ::testing::Not(HasSubstr("how many?"))) << "it knows";
}

TEST_F(MappedCommand, that_stays_after_its_last_word_is_ended_and_has_succeeded) {
  plan_with(R"(cat >/dev/null
echo '{"type":"end","text":"done"}'
sleep 1000
)",
            "{id: a, prompt: how many?, reads: [], writes: [], output: text, grace: 300ms}");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("stayed after its final answer"));
  EXPECT_EQ(left_running(), std::vector<std::string>{});
}

TEST_F(MappedCommand, agents_lists_all_kinds_and_never_fails_for_one_that_is_not_there) {
  const auto listed = json_of({"agents"});
  EXPECT_EQ(at(listed, "/agents/0/kind"), "claude-code");
  EXPECT_EQ(listed.at("agents").as_array().size(), 7u);
  EXPECT_EQ(interlock({"agents"}).exit, 0);
}

TEST_F(MappedCommand, agents_says_versions_wherever_a_client_prints_them) {
  namespace fs = std::filesystem;
  const auto put = [&](const std::string& name, const std::string& body) {
    write("bin/" + name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(workspace() + "/bin/" + name, fs::perms::owner_all);
  };
  put("claude", "echo 2.1.330; echo a warning of 9.9 >&2");
  put("pi", "echo 0.73.1 >&2");
  put("codex", "exit 3");
  environment()["PATH"] = workspace() + "/bin:/usr/bin:/bin";
  const std::string said = interlock({"agents"}).out;
  EXPECT_THAT(said, HasSubstr("yes  claude-code  2.1.330     tried with this version"));
  EXPECT_THAT(said, HasSubstr("yes  pi           0.73.1      tried with this version"));
  EXPECT_THAT(said, HasSubstr("yes  codex        -           does not say its version"));
  EXPECT_THAT(said, HasSubstr("qwen         -           not installed"));
}

TEST_F(Cli,
       what_a_running_client_uses_past_the_gateway_is_not_known_yet_and_a_cost_nobody_told_never) {
  write("claude",
        "#!/bin/sh\ncat >/dev/null\necho begun\n>../begun\nread -r line <../go\n"
        "echo '{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,"
        "\"terminal_reason\":\"completed\",\"result\":\"said\",\"session_id\":\"s\","
        "\"modelUsage\":{\"m\":{\"inputTokens\":10,\"outputTokens\":5,\"cacheReadInputTokens\":0,"
        "\"cacheCreationInputTokens\":0}}}'\n");
  shell("chmod +x claude; mkfifo ../go");
  write_plan("agents: {c: {kind: claude-code, gateway: false, bin: " + workspace() +
             "/claude}}\ntasks:\n  - {id: a, agent: c, prompt: hi, isolation: direct, reads: [], "
             "writes: [], "
             "output: text}\n");
  Running run = start({"run", "plan.yaml"});
  shell("until [ -e ../begun ]; do sleep 0.05; done");
  auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/tokens_complete"), "false");
  EXPECT_EQ(at(shown, "/tasks/0/cost_complete"), "false");
  EXPECT_EQ(at(shown, "/totals/all_known"), "false");
  shell("echo >../go");
  ASSERT_EQ(run.wait().exit, 0);
  shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/tokens/input"), "10");
  EXPECT_EQ(at(shown, "/tasks/0/cost_usd"), "null");
  EXPECT_EQ(at(shown, "/tasks/0/cost_complete"), "false");
  EXPECT_EQ(at(shown, "/totals/cost_known"), "false");
}

TEST_F(Cli, what_a_client_used_when_its_dispatcher_died_is_not_taken_for_nothing) {
  write("claude",
        "#!/bin/sh\ncat >/dev/null\nif [ ! -e ../begun ]; then echo >../begun; echo begun; sleep "
        "1000; fi\n"
        "echo '{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,"
        "\"terminal_reason\":\"completed\",\"result\":\"said\",\"session_id\":\"s\","
        "\"modelUsage\":{\"m\":{\"inputTokens\":10,\"outputTokens\":5,\"cacheReadInputTokens\":0,"
        "\"cacheCreationInputTokens\":0,\"costUSD\":0.01}}}'\n");
  shell("chmod +x claude");
  write_plan("agents: {c: {kind: claude-code, gateway: false, bin: " + workspace() +
             "/claude}}\ntasks:\n  - {id: a, agent: c, prompt: hi, isolation: direct, reads: [], "
             "writes: [], "
             "output: text}\n");
  Running run = start({"run", "plan.yaml"});
  shell("until [ -e ../begun ]; do sleep 0.05; done");
  run.send(SIGKILL);
  run.wait();
  const Ended ended = interlock({"resume", "last"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/attempts"), "2");
  EXPECT_EQ(at(shown, "/tasks/0/tokens/input"), "10");
  EXPECT_EQ(at(shown, "/tasks/0/tokens_complete"), "false");
  EXPECT_THAT(ended.err, HasSubstr("not all was told"));
}

TEST_F(Cli, calls_that_do_not_pass_the_gateway_are_neither_recorded_nor_answered_from_one) {
  write("claude", "#!/bin/sh\ncat >/dev/null\n");
  shell("chmod +x claude");
  write_plan("agents: {c: {kind: claude-code, gateway: false, bin: " + workspace() +
             "/claude}}\ntasks:\n  - {id: a, agent: c, prompt: hi, reads: [], writes: []}\n");
  const Ended recorded = interlock({"run", "plan.yaml", "--record"});
  EXPECT_EQ(recorded.exit, 3) << recorded.out;
  EXPECT_THAT(recorded.err, HasSubstr("calls of `c` do not pass the gateway: there is nothing to"));
  const Ended replayed = interlock({"run", "plan.yaml", "--replay", "last"});
  EXPECT_EQ(replayed.exit, 3) << replayed.out;
  EXPECT_THAT(replayed.err, HasSubstr("they would be made, and paid"));
}

}  // namespace

}  // namespace interlock::e2e
