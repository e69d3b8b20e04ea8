#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "e2e/serve_harness.h"
#include "support/postgres_server.h"

// What the page asks of runs, with each kind of store.
namespace interlock::e2e {

namespace {

class ServeAsked : public Serve {
 protected:
  void approve_a_gate() {
    write_plan(R"(
tasks:
  - {id: a, run: "echo made > a; echo out", reads: [], writes: [a], output: text, gate: after}
  - {id: b, run: "cat a > b", reads: [a], writes: [b], needs: [a]}
)");
    Running run = start({"run", "plan.yaml", "--face", "lines", "--wait"});
    run.until_it_says("gate");
    Running server = serve();
    open_page();
    const std::string base = "/api/runs/" + id();
    const std::string digest = at_text(get(base + "/state"), "/tasks/0/gate");
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_EQ(status_of(post(base + "/approve", R"({"task": "a"})")), 409);
    EXPECT_EQ(status_of(post(base + "/approve",
                             R"({"task": "a", "digest": ")" + std::string(64, '0') + "\"}")),
              409);
    EXPECT_EQ(status_of(post(base + "/approve", R"({"task": "b", "digest": ")" + digest + "\"}")),
              409);
    EXPECT_EQ(status_of(ask("GET " + base + "/approve", own() + bearer_)), 404)
        << "GET does nothing";
    EXPECT_FALSE(exists("b"));
    const std::string approved =
        post(base + "/approve", R"({"task": "a", "digest": ")" + digest + "\"}");
    EXPECT_EQ(status_of(approved), 200) << approved;
    EXPECT_EQ(at_text(approved, "/did"), "approved");
    EXPECT_EQ(run.wait().exit, 0);
    EXPECT_EQ(status_of(post(base + "/approve", R"({"task": "a", "digest": ")" + digest + "\"}")),
              409)
        << "it is answered";
  }
  void ask_a_queue() {
    NamedPipe go(folder() + "/go");
    Running queue =
        start({"queue", "start", "--foreground", "--parallel", "2", "--isolation", "direct"});
    queue.until_it_says("run r-");
    wait_until([&] { return interlock({"show"}).exit == 0; });
    Running server = serve();
    open_page();
    const std::string base = "/api/runs/" + id();
    const auto head = [&](const std::string& member) {
      return at_text(get(base + "/state"), "/head/" + member);
    };
    const auto until = [&](const std::string& member, const std::string& value) {
      wait_until([&] { return head(member) == value; });
    };
    until("takes_tasks", "true");
    const std::string added =
        post(base + "/add", R"({"id": "one", "command": "read line < )" + go.path() +
                                R"(", "reads": [], "writes": ["a"]})");
    EXPECT_EQ(status_of(added), 200) << added;
    EXPECT_EQ(at_text(added, "/task"), "one");
    until("running", "1");
    EXPECT_EQ(status_of(post(base + "/set", R"({"parallel": 7})")), 200);
    until("parallel", "7");
    EXPECT_EQ(status_of(post(base + "/pause", "{}")), 200);
    until("held", "true");
    EXPECT_EQ(status_of(post(base + "/resume", "{}")), 200);
    until("held", "false");
    // What a member holds is never an option, and what means nothing is refused.
    const std::string odd = post(base + "/add", R"({"id": "--help", "command": "--version"})");
    EXPECT_NE(status_of(odd), 200) << odd;
    EXPECT_EQ(status_of(post(base + "/set", R"({"parallel": "many"})")), 400);
    EXPECT_EQ(status_of(post(base + "/set", "{}")), 400);
    EXPECT_EQ(status_of(post(base + "/add", R"({"reads": "src"})")), 400);
    EXPECT_EQ(status_of(post(base + "/prune", "{}")), 404);
    go.ring();
    EXPECT_EQ(interlock({"queue", "stop"}).exit, 0);
    queue.wait();
  }
  /// From now on runs are on a server of this test's own; false where there can be none.
  bool use_server() {
    server_ = testing_support::PostgresServer::start();
    if (server_ != nullptr) environment()["INTERLOCK_STORE"] = server_->make_database("runs");
    return server_ != nullptr;
  }

 private:
  std::unique_ptr<testing_support::PostgresServer> server_;
};

TEST_F(ServeAsked, lets_a_gate_be_approved_only_as_it_was_shown) { approve_a_gate(); }

TEST_F(ServeAsked, lets_a_gate_be_approved_where_runs_are_on_a_server) {
  if (!use_server()) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
  approve_a_gate();
}

TEST_F(ServeAsked, does_what_the_page_asks_of_a_run_and_of_a_queue) { ask_a_queue(); }

TEST_F(ServeAsked, does_what_the_page_asks_where_runs_are_on_a_server) {
  if (!use_server()) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
  ask_a_queue();
}

}  // namespace

}  // namespace interlock::e2e
