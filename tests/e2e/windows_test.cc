#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// A subscription: what its provider tells of its windows, and what a plan takes of them.
namespace interlock::e2e {
namespace {

using endpoint::Endpoint;
using ::testing::HasSubstr;
using ::testing::Not;

class Windows : public Cli {
 protected:
  Windows() {
    environment()["HOME"] = folder() + "/home";
    environment()["PATH"] = workspace() + "/bin:/usr/bin:/bin";
    environment()["CLAUDE_CODE_OAUTH_TOKEN"] = "long-lived";
    // A client that asks twice, and answers in Claude Code's way.
    write("bin/claude", R"(#!/bin/sh
cat >/dev/null
for i in 1 2; do
  curl -fsS -o /dev/null "$ANTHROPIC_BASE_URL/v1/messages" -H "authorization: Bearer $CLAUDE_CODE_OAUTH_TOKEN" \
    -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \
    -d '{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"x"}]}' || exit 1
done
echo '{"type":"system","subtype":"init","session_id":"s"}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"fine"}'
)");
    std::filesystem::permissions(workspace() + "/bin/claude", std::filesystem::perms::owner_all);
  }

  static std::int64_t in_seconds(int from_now) {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count() +
           from_now;
  }
  /// Answers of 10,000 tokens each, which tell that so much of five hours is used.
  static endpoint::Script script(const std::vector<double>& used, std::int64_t resets) {
    std::string steps;
    for (const double share : used)
      steps += fmt::format(
          R"({}{{"text": "Yes.", "usage": {{"input": 9990, "output": 10}}, "headers": {{)"
          R"("anthropic-ratelimit-unified-5h-utilization": "{}",)"
          R"("anthropic-ratelimit-unified-5h-reset": "{}"}}}})",
          steps.empty() ? "" : ", ", share, resets);
    auto script = endpoint::read_script(
        fmt::format(R"({{"rules": [{{"together": true, "steps": [{}]}}]}})", steps));
    EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
    return script.value_or(endpoint::Script{});
  }
  void plan_at(const Endpoint& endpoint, const std::string& limits = "{}") {
    write_plan(fmt::format(
        "agents: {{claude: {{kind: claude-code, login: true, base_url: \"{}\"}}}}\nlimits: {}\n"
        "tasks: [{{id: a, prompt: x, reads: [], writes: []}}]\n",
        endpoint.base_url(), limits));
  }
};

TEST_F(Windows, are_learned_and_said_before_the_next_run_begins) {
  const Endpoint endpoint(script({0.2, 0.3}, in_seconds(7200)));
  plan_at(endpoint);
  const Ended first = interlock({"run", "plan.yaml"});
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("`claude` is paid by the person's log-in at 127.0.0.1"));
  EXPECT_THAT(first.err, Not(HasSubstr("of its 5h"))) << "nobody has told of them";
  const Ended planned = interlock({"plan", "plan.yaml"});
  EXPECT_THAT(planned.out, HasSubstr("the log-in of `claude` has used 30 % of its 5h"));
  EXPECT_THAT(planned.out, HasSubstr("this takes about 29 % of what is left until "));
  EXPECT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0);
}

TEST_F(Windows, that_are_too_short_for_a_plan_keep_it_from_beginning) {
  const Endpoint endpoint(script({0.8, 0.95}, in_seconds(7200)));
  plan_at(endpoint);
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  // On the screen it is broken into lines.
  EXPECT_THAT(
      at(json_of({"plan", "plan.yaml"}), "/decision/warnings/1"),
      HasSubstr("95 % of its 5h, so that little is left; this takes about 30 %, and 5 % are "
                "left until "));
  const Ended refused = interlock({"run", "plan.yaml", "--fresh"});
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err, HasSubstr("and 5 % are left until"));
  EXPECT_THAT(refused.err, HasSubstr("on_quota: wait"));
  plan_at(endpoint, "{on_quota: wait}");
  EXPECT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0) << "it would sleep over it";
}

TEST_F(Windows, that_are_nearly_used_up_are_said_while_the_run_goes_on_and_once) {
  const Endpoint endpoint(script({0.8, 0.85, 0.92, 0.93}, in_seconds(7200)));
  plan_at(endpoint, "{on_quota: wait}");
  const Ended first = interlock({"run", "plan.yaml"});
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("the log-in has used 80 % of its 5h; it is reset at "));
  EXPECT_THAT(first.err, Not(HasSubstr("85 %")));
  const Ended second = interlock({"run", "plan.yaml", "--fresh"});
  EXPECT_THAT(second.err, HasSubstr("used 92 % of its 5h, so that little is left; it is reset at"));
  EXPECT_THAT(second.err, Not(HasSubstr("93 %")));
}

TEST_F(Windows, that_are_nearly_used_up_are_said_in_quiet_runs_and_to_who_is_called) {
  const Endpoint endpoint(script({0.5, 0.8, 0.85, 0.92}, in_seconds(7200)));
  plan_at(endpoint, "{on_quota: wait}");
  NamedPipe told(folder() + "/told");
  const std::vector<std::string> words{"run",     "plan.yaml", "--fresh",
                                       "--quiet", "--notify",  "command:cat >" + told.path()};
  const Ended first = interlock(words);
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("the log-in has used 80 % of its 5h; it is reset at "));
  EXPECT_THAT(first.err, Not(HasSubstr("started")));
  const std::string call = told.next();
  EXPECT_THAT(call, HasSubstr(R"("kind":"window")"));
  EXPECT_THAT(call, HasSubstr("the log-in has used 80 % of its 5h"));
  const Ended second = interlock(words);
  EXPECT_THAT(second.err, HasSubstr("warning: the log-in of `claude` has used 80 % of its 5h"));
  EXPECT_THAT(second.err, HasSubstr("used 92 % of its 5h, so that little is left"));
  const std::string calls = told.next() + told.next();
  EXPECT_THAT(calls, HasSubstr("the log-in of `claude` has used 80 %"));
  EXPECT_THAT(calls, HasSubstr("the log-in has used 92 %"));
}

TEST_F(Windows, of_another_log_in_are_its_own) {
  const Endpoint endpoint(script({0.2, 0.3}, in_seconds(7200)));
  plan_at(endpoint);
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  environment()["CLAUDE_CODE_OAUTH_TOKEN"] = "somebody else's";
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, Not(HasSubstr("of its 5h")));
  environment()["CLAUDE_CODE_OAUTH_TOKEN"] = "long-lived";
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("30 % of its 5h"));
}

TEST_F(Windows, of_a_run_are_seen_by_whoever_looks_at_it_whatever_log_in_they_have) {
  const Endpoint endpoint(script({0.2, 0.93, 0.4, 0.41}, in_seconds(7200)));
  plan_at(endpoint);
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const std::string first = at(json_of({"show"}), "/run");
  environment()["CLAUDE_CODE_OAUTH_TOKEN"] = "somebody else's";
  ASSERT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0);
  const auto used = [&](const std::string& run) {
    return at(json_of({"show", run}), "/windows/0/used");
  };
  EXPECT_THAT(used(first), HasSubstr("9.3")) << "not of who looks";
  EXPECT_THAT(used("last"), HasSubstr("4.1"));
  environment().erase("CLAUDE_CODE_OAUTH_TOKEN");
  EXPECT_THAT(used(first), HasSubstr("9.3"));
  EXPECT_EQ(at(json_of({"show", first}), "/windows/0/agents/0"), "claude");
  EXPECT_EQ(at(json_of({"show", first}), "/windows/0/window"), "5h");
  // Who has no log-in and plans a run is told of the one that was seen last.
  EXPECT_THAT(boost::json::serialize(json_of({"plan", "plan.yaml"})),
              HasSubstr("has used 41 % of its 5h"));
  // What is kept says nothing of the log-in.
  const Ended kept = shell("cat '" + state() + "'/runs/" + first + "/login");
  EXPECT_THAT(kept.out, ::testing::MatchesRegex("[0-9a-f]{8}\n"));
  EXPECT_NE(shell("grep -r 'long-lived\\|somebody else' '" + state() + "'").exit, 0);
}

TEST_F(Windows, of_a_run_are_served_by_a_server_that_has_no_log_in) {
  environment()["XDG_RUNTIME_DIR"] = folder();
  const Endpoint endpoint(script({0.2, 0.93}, in_seconds(7200)));
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(fmt::format(
      "agents: {{claude: {{kind: claude-code, login: true, base_url: \"{}\"}}}}\n"
      "tasks:\n  - {{id: a, prompt: x, reads: [], writes: []}}\n"
      "  - {{id: b, run: 'echo x > {}; read line < {}', reads: [], writes: [], needs: [a]}}\n",
      endpoint.base_url(), here.path(), go.path()));
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  here.next();
  environment().erase("CLAUDE_CODE_OAUTH_TOKEN");
  Running server = start({"serve"});
  server.until_it_says("socket: ");
  const std::string id = at(json_of({"show"}), "/run");
  const auto asked = [&](const std::string& path) {
    return shell("curl -fsS --unix-socket ../interlock/*.sock http://x" + path).out;
  };
  EXPECT_THAT(asked("/api/runs/" + id + "/quotas"),
              ::testing::AllOf(HasSubstr(R"("agents":["claude"],"name":"5h","used":9.3)")));
  EXPECT_THAT(asked("/metrics"), HasSubstr("interlock_window_used_ratio{provider=\"127.0.0.1"));
  EXPECT_THAT(interlock({"show"}).out, HasSubstr("log-in of claude: 93 % of its 5h used, until "));
  const Ended mcp = interlock(
      {"mcp"},
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}})"
      "\n"
      R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
      "\n"
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"status","arguments":{"run":")" +
          id + "\"}}}\n");
  EXPECT_THAT(mcp.out, HasSubstr(R"("window":"5h")"));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
}

TEST_F(Windows, that_are_reset_are_forgotten) {
  const Endpoint endpoint(script({0.8, 0.95}, in_seconds(-1)));
  plan_at(endpoint);
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, Not(HasSubstr("of its 5h")));
  EXPECT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0);
}

}  // namespace
}  // namespace interlock::e2e
