#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "e2e/cli_harness.h"

// What agents get where the plan does not say: isolation, powers, log-ins, and what is said of
// them.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AgentDefaults : public Cli {
 protected:
  AgentDefaults() {
    environment()["HOME"] = folder() + "/home";
    environment()["PATH"] = workspace() + "/bin:/usr/bin:/bin";
  }

  /// A client that answers in Claude Code's way; `body` runs before its answer.
  void install_claude(const std::string& body, const std::string& answer = "fine") {
    write("bin/claude",
          fmt::format("#!/bin/sh\ncat >/dev/null\n{}\n"
                      "echo '{{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}}'\n"
                      "printf '{{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,"
                      "\"result\":\"%s\"}}\\n' '{}'\n",
                      body, answer));
    std::filesystem::permissions(workspace() + "/bin/claude", std::filesystem::perms::owner_all);
  }
  void log_in(std::int64_t expires_at_ms) {
    write(
        "../home/.claude/.credentials.json",
        fmt::format(
            R"({{"claudeAiOauth": {{"accessToken": "at-1", "refreshToken": "rt-1", "expiresAt": {}}}}})",
            expires_at_ms));
  }
  static constexpr std::int64_t kFarAway = 4'000'000'000'000;
};

TEST_F(AgentDefaults, agents_work_in_a_copy_and_the_plan_says_what_they_may_do) {
  install_claude("echo by claude >new; pwd >../elsewhere-$$ 2>/dev/null || true");
  environment()["ANTHROPIC_API_KEY"] = "k";
  write_plan(R"(
agents: {claude: {kind: claude-code, gateway: false}}
tasks:
  - {id: edit, prompt: Write new., reads: [], writes: [new]}
  - {id: look, prompt: Look., reads: [], writes: []}
)");
  const Ended planned = interlock({"plan", "plan.yaml"});
  EXPECT_THAT(planned.out,
              HasSubstr("`edit` (claude-code): permission checks off, in a copy of the"));
  EXPECT_THAT(planned.out, HasSubstr("`look` (claude-code): in the client's own read-only mode"));
  const Ended ran = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("note: `edit` (claude-code): permission checks off"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/isolation"), "view");
  EXPECT_EQ(read("new"), "by claude\n");
}

TEST_F(AgentDefaults, full_powers_in_the_real_workspace_are_said_loudly) {
  install_claude("");
  write_plan(R"(
agents: {claude: {kind: claude-code, gateway: false}}
defaults: {isolation: direct}
tasks: [{id: edit, prompt: Write new., reads: [], writes: [new]}]
)");
  const std::string loud = "`edit` (claude-code): permission checks OFF in the real workspace";
  EXPECT_THAT(at(json_of({"plan", "plan.yaml"}), "/decision/warnings/0"), HasSubstr(loud));
  EXPECT_THAT(interlock({"run", "plan.yaml"}).err, HasSubstr("warning: " + loud));
}

TEST_F(AgentDefaults, where_no_copy_can_be_had_it_says_why_and_what_to_write) {
  install_claude("");
  write_plan(R"(
agents: {claude: {kind: claude-code, gateway: false, env: {}}}
defaults: {isolation: worktree}
tasks: [{id: edit, prompt: Write new., reads: [], writes: [new]}]
)");
  const Ended refused = interlock({"run", "plan.yaml"});
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err,
              HasSubstr("task `edit` wants isolation `worktree`, which is not available here"));
  EXPECT_THAT(
      refused.err,
      HasSubstr("or write `isolation: direct`: it then works in the real workspace with its "
                "permission checks off"));
  const Ended planned = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(planned.exit, 0) << "a plan can be looked at anywhere";
  EXPECT_THAT(planned.out, HasSubstr("it cannot run here: task `edit` wants"));
}

TEST_F(AgentDefaults, a_missing_client_is_said_by_plan_and_refused_before_a_run_is_made) {
  write_plan(R"(
agents: {claude: {kind: claude-code, gateway: false, bin: claudette}}
tasks: [{id: a, prompt: x, reads: [], writes: []}]
)");
  const std::string missing = "agent `claude` needs the program `claudette`, which is not in PATH";
  EXPECT_THAT(at(json_of({"plan", "plan.yaml"}), "/decision/warnings/0"), HasSubstr(missing));
  const Ended refused = interlock({"run", "plan.yaml"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr(missing));
  EXPECT_THAT(interlock({"runs"}).out, Not(HasSubstr("r-")));
}

TEST_F(AgentDefaults, a_log_in_is_copied_without_what_renews_it_and_goes_with_the_run) {
  install_claude(R"(has() { grep -q "$1" "$CLAUDE_CONFIG_DIR/.credentials.json" && echo "has $2"; }
has at-1 token >seen; has rt-1 renewal >>seen; env | grep -e AUTO_MEMORY -e sk-not >>seen)");
  log_in(kFarAway);
  environment()["ANTHROPIC_API_KEY"] = "sk-not-for-it";
  write_plan(R"(
agents: {claude: {kind: claude-code, login: true}}
tasks: [{id: a, prompt: x, reads: [], writes: [seen]}]
)");
  const Ended ran = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(read("seen"), HasSubstr("has token"));
  EXPECT_THAT(read("seen"), Not(HasSubstr("renewal")));
  EXPECT_THAT(read("seen"), Not(HasSubstr("sk-not-for-it")));
  EXPECT_THAT(read("seen"), HasSubstr("CLAUDE_CODE_DISABLE_AUTO_MEMORY=1"));
  EXPECT_THAT(read("../home/.claude/.credentials.json"), HasSubstr("rt-1"))
      << "the person's own stays";
  EXPECT_EQ(shell("grep -rl at-1 " + folder() + "/state; true").out, "");
}

TEST_F(AgentDefaults, each_takes_the_log_in_without_a_plan) {
  install_claude(R"(grep -q at-1 "$CLAUDE_CONFIG_DIR/.credentials.json" && echo yes >>seen)");
  write("in/a.md", "a");
  EXPECT_EQ(interlock({"each", "in/*.md", "--agent", "claude", "Summarise {item}"}).exit, 2)
      << "there is no key";
  log_in(kFarAway);
  const Ended ran = interlock(
      {"each", "in/*.md", "--agent", "claude", "--login", "-w", "seen", "Summarise {item}"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(read("seen"), "yes\n");
  EXPECT_EQ(interlock({"each", "in/*.md", "--login", "--", "true"}).exit, 2);
}

TEST_F(AgentDefaults, a_token_in_the_environment_is_handed_on_instead) {
  install_claude("env >seen");
  environment()["CLAUDE_CODE_OAUTH_TOKEN"] = "long-lived";
  write_plan(R"(
agents: {claude: {kind: claude-code, login: true}}
tasks: [{id: a, prompt: x, reads: [], writes: [seen]}]
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(read("seen"), HasSubstr("CLAUDE_CODE_OAUTH_TOKEN=long-lived"));
}

TEST_F(AgentDefaults, without_key_or_log_in_both_ways_are_named) {
  install_claude("");
  write_plan(
      "agents: {claude: {kind: claude-code}}\ntasks: [{id: a, prompt: x, reads: [], writes: "
      "[]}]\n");
  EXPECT_THAT(interlock({"run", "plan.yaml"}).err, HasSubstr("`ANTHROPIC_API_KEY`"));
  EXPECT_THAT(interlock({"run", "plan.yaml"}).err, HasSubstr("write `login: true`"));
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("has no key for"));

  write_plan(
      "agents: {claude: {kind: claude-code, login: true}}\ntasks: [{id: a, prompt: x, reads: [], "
      "writes: []}]\n");
  const Ended nobody = interlock({"run", "plan.yaml"});
  EXPECT_EQ(nobody.exit, 2);
  EXPECT_THAT(nobody.err, HasSubstr("Claude Code is not logged in: no `" + folder() +
                                    "/home/.claude/.credentials.json`"));
  log_in(1);
  EXPECT_THAT(interlock({"run", "plan.yaml"}).err, HasSubstr("has to be renewed"));
}

TEST_F(AgentDefaults, json_in_a_fence_is_taken_after_a_correction_where_one_is_needed) {
  write("answer", R"(cat >asked
echo again >>asks
if [ -n "${TALKS:-}" ]; then echo 'Here it is:'; fi
printf '%s\n' '```json' '{"n": 1}' '```'
)");
  const auto plan = [&](const std::string& env, const std::string& output) {
    write_plan(
        "agents: {m: {kind: command, run: [sh, answer]}}\ntasks:\n  - {id: a, prompt: x, env: {" +
        env + "}, reads: [], writes: [asked, asks], output: " + output + "}\n");
    write("asks", "");
    return interlock({"run", "plan.yaml", "--fresh"}).exit;
  };
  EXPECT_EQ(plan("", "json"), 0) << "a fence and nothing else is no question";
  EXPECT_EQ(read("asks"), "again\n");
  EXPECT_EQ(plan("TALKS: '1'", "{schema: {type: object}}"), 0);
  EXPECT_EQ(read("asks"), "again\nagain\n") << "asked once for the JSON alone";
  EXPECT_THAT(read("asked"),
              HasSubstr("found it wrapped in a Markdown fence (```) with other text around it"));
  EXPECT_EQ(interlock({"output", "last", "a"}).out, "{\"n\": 1}\n");
  EXPECT_THAT(interlock({"why", "last", "a"}).out,
              HasSubstr("its JSON was taken out of a Markdown fence"));
  EXPECT_EQ(plan("", "{strict: true}"), 1);
}

}  // namespace

}  // namespace interlock::e2e
