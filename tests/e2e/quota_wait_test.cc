#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"
#include "e2e/pty.h"
#include "endpoint/endpoint.h"
#include "support/postgres_server.h"

// A provider's quota is used up in the middle of a run, and is reset after a while.
namespace interlock::e2e {
namespace {

using endpoint::Endpoint;
using ::testing::HasSubstr;
using ::testing::Not;

class SpentQuota : public Cli {
 protected:
  SpentQuota() { environment()["THE_KEY"] = "sk-very-secret"; }

  /// The first answer is good, the second says that nothing is left for so long, then all is well.
  static endpoint::Script script(int seconds) {
    auto script = endpoint::read_script(fmt::format(
        R"({{"rules": [{{"together": true, "steps": [{{"text": "Yes."}}, {{"status": 429, "code": "insufficient_quota", "retry_after": {}}}, {{"text": "Yes."}}]}}]}})",
        seconds));
    EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
    return script.value_or(endpoint::Script{});
  }

  void plan_at(const Endpoint& endpoint, const std::string& limits) {
    write_plan(fmt::format(
        "agents: {{c: {{kind: chat, api: openai, model: m, key: THE_KEY, base_url: \"{}/v1\"}}}}\n"
        "limits: {}\n"
        "tasks:\n"
        "  - {{id: a, agent: c, prompt: one, reads: [], writes: [], output: text}}\n"
        "  - {{id: b, agent: c, prompt: two, reads: [], writes: [], output: text}}\n",
        endpoint.base_url(), limits));
  }
};

TEST_F(SpentQuota, is_slept_over_where_the_plan_says_so_and_nothing_is_done_twice) {
  const Endpoint endpoint(script(2));
  plan_at(endpoint, "{on_quota: wait}");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "sequential"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("quota is used up; as it is reset, the run goes on in "));
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/state"), "finished");
  EXPECT_EQ(at(shown, "/tasks/0/attempts"), "1");
  EXPECT_EQ(at(shown, "/tasks/1/attempts"), "2");
  EXPECT_EQ(endpoint.entries().size(), 3U);
}

TEST_F(SpentQuota, is_slept_over_without_the_person_who_left) {
  environment()["NO_COLOR"] = "1";
  const Endpoint endpoint(script(12));
  plan_at(endpoint, "{on_quota: wait}");
  Pty run({INTERLOCK_BINARY, "run", "plan.yaml", "--pattern", "sequential"}, workspace(),
          environment(), 200);
  run.until_it_shows("`q` leaves it waiting");
  run.press("q");
  run.until_it_shows("it goes on by itself");
  EXPECT_EQ(run.wait(), 0) << run.shown();
  for (int tries = 0; tries < 600 && at(json_of({"show", "last"}), "/state") != "finished"; ++tries)
    shell("sleep 0.1");
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "finished");
  EXPECT_EQ(endpoint.entries().size(), 3U);
  EXPECT_THAT(shell("cat " + state() + "/runs/*/dispatcher.log").out, HasSubstr("left waiting"));
}

TEST_F(SpentQuota, stops_the_run_where_nothing_is_said) {
  const Endpoint endpoint(script(2));
  plan_at(endpoint, "{}");
  EXPECT_EQ(interlock({"run", "plan.yaml", "--pattern", "sequential"}).exit, 3);
  EXPECT_EQ(interlock({"resume", "last"}).exit, 0);
}

TEST_F(SpentQuota, loses_nothing_when_whoever_waits_is_ended) {
  const Endpoint endpoint(script(3600));
  plan_at(endpoint, "{on_quota: wait}");
  Running run = start({"run", "plan.yaml", "--pattern", "sequential"});
  run.until_it_says("goes on by hand");
  run.send(SIGINT);
  run.wait();
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/state"), "done");
  EXPECT_EQ(interlock({"resume", "last", "--wait"}).exit, 0);
  EXPECT_EQ(endpoint.entries().size(), 3U);
}

TEST_F(SpentQuota, is_waited_for_no_longer_once_somebody_says_so) {
  const Endpoint endpoint(script(3600));
  plan_at(endpoint, "{on_quota: wait}");
  Running run = start({"run", "plan.yaml", "--pattern", "sequential"});
  run.until_it_says("goes on by hand");
  EXPECT_EQ(interlock({"set", "last", "on_quota=stop"}).exit, 0);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("it waits no longer"));
  EXPECT_EQ(interlock({"resume", "last", "--wait"}).exit, 0);
  EXPECT_EQ(endpoint.entries().size(), 3U);
}

TEST_F(SpentQuota, is_waited_for_no_longer_once_somebody_says_so_on_another_machine) {
  const auto server = testing_support::PostgresServer::start();
  if (server == nullptr) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
  environment()["INTERLOCK_STORE"] = server->make_database("runs");
  const Endpoint endpoint(script(3600));
  plan_at(endpoint, "{on_quota: wait}");
  Running run = start({"run", "plan.yaml", "--pattern", "sequential"});
  run.until_it_says("goes on by hand");
  // Another machine has the server, and a state folder of its own.
  environment()["XDG_STATE_HOME"] = folder() + "/elsewhere";
  EXPECT_EQ(interlock({"set", "last", "on_quota=stop"}).exit, 0);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("it waits no longer"));
}

TEST_F(SpentQuota, is_waited_for_once_somebody_says_so) {
  const auto twice = endpoint::read_script(
      R"({"rules": [{"together": true, "steps": [{"text": "Yes."},
          {"status": 429, "code": "insufficient_quota", "retry_after": 1},
          {"status": 429, "code": "insufficient_quota", "retry_after": 2}, {"text": "Yes."}]}]})");
  ASSERT_TRUE(twice.has_value());
  const Endpoint endpoint(*twice);
  plan_at(endpoint, "{}");
  ASSERT_EQ(interlock({"run", "plan.yaml", "--pattern", "sequential"}).exit, 3);
  EXPECT_EQ(interlock({"set", "last", "on_quota=sometimes"}).exit, 2);
  EXPECT_EQ(interlock({"set", "last", "on_quota=wait"}).exit, 0);
  const Ended ended = interlock({"resume", "last"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("as it is reset, the run goes on in "));
  EXPECT_EQ(endpoint.entries().size(), 4U);
}

TEST_F(SpentQuota, that_is_a_budget_of_the_runs_own_is_not_waited_for) {
  const Endpoint endpoint(script(2));
  plan_at(endpoint, "{on_quota: wait, tokens: 20}");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "sequential"});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, Not(HasSubstr("quota is used up")));
}

}  // namespace
}  // namespace interlock::e2e
