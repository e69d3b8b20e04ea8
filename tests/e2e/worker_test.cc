#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <vector>

#include "e2e/isolation_harness.h"
#include "support/postgres_server.h"

// Workers: processes with state folders of their own that take attempts of a run, on a private
// PostgreSQL server.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::PostgresServer;

/// What can be changed in a tree, in tasks that build upon each other.
constexpr const char* kTree = R"(
defaults: {isolation: view}
tasks:
  - {id: make, run: "mkdir -p out/deep && cat src/a >out/deep/a && chmod 750 out/deep/a && ln -s deep/a out/link", writes: ["out/**"]}
  - {id: drop, run: "rm -r old && cat src/b >src/a", reads: ["src/**"], writes: ["old", "src/a"]}
  - {id: tell, run: "cat src/a out/link; ls", needs: [make, drop], output: text}
  - {id: use, run: ["sh", "-c", "echo \"$0\" >told; cat \"$INTERLOCK_OUTPUTS\"/* >>told; pwd >>told; test ! -e old", "{outputs.tell}"], needs: [tell], writes: [told]}
  - {id: fail, run: "echo oops >&2; exit 3", needs: [use], retries: 0}
)";

class WithWorkers : public Isolated {
 protected:
  void SetUp() override {
    need("view");
    if (IsSkipped()) return;
    server_ = PostgresServer::start();
    if (server_ == nullptr) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
    environment()["INTERLOCK_STORE"] = server_->make_database("runs");
    environment()["INTERLOCK_LEASE"] = "9s";
  }
  /// It waits for jobs.
  Running worker(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"--state", folder() + "/" + name, "worker"};
    words.insert(words.end(), more.begin(), more.end());
    Running one = start(words);
    one.until_it_says("waits for jobs");
    return one;
  }
  void write_tree() {
    std::filesystem::remove_all(workspace() + "/out");
    write("src/a", "a\n");
    write("src/b", "b\n");
    write("old/x", "x\n");
    std::filesystem::remove(workspace() + "/told");
  }
  /// Until the only worker is; it is said where it is not for a minute.
  void wait_until_idle() {
    const auto is_idle = [&] { return interlock({"workers"}).out.contains("idle"); };
    for (int i = 0; i < 600 && !is_idle(); ++i) ::usleep(100'000);
    EXPECT_TRUE(is_idle());
  }
  std::string attempts() {
    std::string all;
    const boost::json::value shown = json_of({"show"});
    for (const auto& task : shown.at("tasks").as_array())
      all += fmt::format("{} {}; ", at(task, "/id"), at(task, "/attempts"));
    return all;
  }

  std::unique_ptr<PostgresServer> server_;
};

TEST_F(WithWorkers, a_run_comes_to_the_same_as_on_one_machine) {
  write_plan(kTree);
  write_tree();
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1) << "`fail` fails";
  const std::string alone = digest(), states_alone = states(), told_alone = read("told");
  EXPECT_THAT(told_alone, HasSubstr("b\na\n"));

  Running one = worker("w1"), two = worker("w2");
  EXPECT_THAT(interlock({"workers"}).out, HasSubstr("commands in views  idle"));
  write_tree();
  const Ended ended = interlock({"run", "plan.yaml", "--fresh", "--workers", "--parallel", "2"});
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_EQ(digest(), alone);
  EXPECT_EQ(states(), states_alone);
  EXPECT_EQ(read("told"), told_alone);
  EXPECT_EQ(read("out/link"), "a\n");
  EXPECT_EQ(shell("stat -c %a out/deep/a; readlink out/link").out, "750\ndeep/a\n");
  EXPECT_FALSE(exists("old/x"));
  EXPECT_THAT(interlock({"log", "last", "fail"}).out, HasSubstr("oops")) << "logs come back";
  one.send(SIGTERM);
  two.send(SIGTERM);
  const std::string said = one.wait().err + two.wait().err;
  for (const char* task : {"make", "drop", "tell", "use", "fail"})
    EXPECT_THAT(said, HasSubstr(fmt::format("/{}#1 done", task)));
  EXPECT_EQ(server_->sql("runs", "select count(*) from interlock.workers"), "0\n");
  EXPECT_EQ(server_->sql("runs", "select count(*) from interlock.job_files"), "0\n");
}

TEST_F(WithWorkers, what_a_killed_worker_had_is_done_by_another_and_committed_once) {
  const NamedPipe go(folder() + "/go");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "read line <../go; echo a >a", writes: [a]}
  - {id: b, run: "read line <../go; echo b >b", writes: [b]}
  - {id: c, run: "cat a b >c", reads: [a, b], writes: [c], needs: [a, b]}
)");
  Running one = worker("w1");
  Running two = worker("w2");
  Running run =
      start({"run", "plan.yaml", "--workers", "--parallel", "2", "--pattern", "parallel"});
  one.until_it_says("began");
  two.until_it_says("began");
  one.send(SIGKILL);
  one.wait();  // And what it ran is gone with it, before it could read on.
  go.ring(2);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("c"), "a\nb\n");
  EXPECT_EQ(attempts(), "a 1; b 1; c 1; ");
  EXPECT_EQ(server_->sql("runs",
                         "select count(*) from interlock.events where convert_from(name, 'UTF8') "
                         "= 'task_done'"),
            "3\n");
}

TEST_F(WithWorkers, a_job_can_be_cancelled_and_a_worker_sent_away) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: long, run: "exec sleep 1000", retries: 0}
)");
  Running one = worker("w1");
  Running run = start({"run", "plan.yaml", "--workers"});
  one.until_it_says("began");
  run.send(SIGINT);
  EXPECT_EQ(run.wait().exit, 130);
  // The worker ends it, or hears that nobody wants it any more.
  wait_until_idle();
  Running again = start({"resume", "--workers"});
  one.until_it_says("#2 began");
  EXPECT_THAT(interlock({"workers"}).out, HasSubstr("/long#2"));
  ASSERT_EQ(interlock({"cancel", "last", "long"}).exit, 0);
  EXPECT_EQ(again.wait().exit, 1);
  one.send(SIGINT);
  EXPECT_EQ(one.wait().exit, 0);
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(WithWorkers, without_a_worker_that_can_do_it_a_task_runs_here) {
  write_plan(R"(
tasks:
  - {id: view, run: "echo v >v", writes: [v], isolation: view}
  - {id: here, run: "echo h >h", writes: [h]}
)");
  Running other = worker("w1", {"--labels", "gpu"});
  const Ended ended = interlock({"run", "plan.yaml", "--labels", "gpu,big"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("`here` stays on this machine: its isolation is `direct`"));
  EXPECT_THAT(ended.err, HasSubstr("no worker lives that has the labels `gpu` and `big`: until one "
                                   "comes, tasks run on this machine"));
  EXPECT_EQ(read("v"), "v\n");
  other.send(SIGTERM);
  EXPECT_THAT(other.wait().err, Not(HasSubstr("began")));
}

TEST_F(WithWorkers, what_cannot_be_is_said_in_one_line) {
  write_plan("tasks:\n  - {id: here, run: \"true\"}\n");
  const Ended none = interlock({"run", "plan.yaml", "--workers"});
  EXPECT_EQ(none.exit, 3);
  EXPECT_THAT(none.err, HasSubstr("no task of the plan is for workers: `here`: its isolation is "
                                  "`direct`, and workers do `view`"));
  environment().erase("INTERLOCK_STORE");
  write_plan("tasks:\n  - {id: view, run: \"true\", isolation: view}\n");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", "plan.yaml", "--workers"}, {"worker"}, {"workers"}}) {
    const Ended ended = interlock(words);
    EXPECT_EQ(ended.exit, 2) << words.front();
    EXPECT_THAT(ended.err, HasSubstr("postgres://USER@HOST/DATABASE")) << words.front();
  }
}

}  // namespace

}  // namespace interlock::e2e
