#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "e2e/cli_harness.h"
#include "support/postgres_server.h"

// Runs on a PostgreSQL server: as in a state folder, from any machine, whatever happens to
// dispatcher or server.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::PostgresServer;

/// `first` ends, `second` waits for the test in the middle of its work, `third` follows.
constexpr const char* kThree = R"(
tasks:
  - {id: first, run: "echo first >>log; echo 1 >one; echo one", writes: [one], output: text}
  - {id: second, run: "echo second >>log; echo here >../here; read line <../go; echo 2 >two", reads: [one], writes: [two]}
  - {id: third, run: "echo third >>log; cat one two", reads: [one, two], output: text}
)";

class OnServer : public Cli {
 protected:
  void SetUp() override {
    server_ = PostgresServer::start();
    if (server_ == nullptr) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
    use(server_->make_database("runs"));
  }
  void use(const std::string& url) { environment()["INTERLOCK_STORE"] = url; }
  void use_state_folder() { environment().erase("INTERLOCK_STORE"); }

  std::unique_ptr<PostgresServer> server_;
};

/// A run on the server that can be held in the middle of its second task.
class HeldOnServer : public OnServer {
 protected:
  HeldOnServer() : here_(folder() + "/here"), go_(folder() + "/go") { write_plan(kThree); }

  Running in_the_middle() {
    Running run = start({"run", "plan.yaml"});
    EXPECT_EQ(here_.next(), "here");
    return run;
  }
  Ended resume() {
    Running run = start({"resume"});
    EXPECT_EQ(here_.next(), "here");
    go_.ring();
    return run.wait();
  }

  NamedPipe here_, go_;
};

TEST_F(HeldOnServer, a_run_is_as_in_a_state_folder_and_any_machine_can_look_at_it) {
  use_state_folder();
  go_.ring();
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_EQ(here_.next(), "here");
  const std::string local = digest();

  use(server_->url("runs"));
  go_.ring();
  const Ended ended = interlock({"run", "plan.yaml", "--fresh"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(here_.next(), "here");
  EXPECT_EQ(digest(), local);
  EXPECT_NE(local, "");

  // Another machine has a state folder of its own, in which nothing was run.
  const auto elsewhere = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--state", folder() + "/other"});
    return interlock(words);
  };
  EXPECT_EQ(elsewhere({"output", "last", "third"}).out, "1\n2\n");
  EXPECT_THAT(elsewhere({"show"}).out, HasSubstr("third"));
  EXPECT_EQ(elsewhere({"why", "last", "second"}).exit, 0);
  EXPECT_EQ(elsewhere({"events"}).exit, 0);
  const Ended again = elsewhere({"run", "plan.yaml"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(read("log"), "first\nsecond\nthird\nfirst\nsecond\nthird\n") << "results are reused";
  EXPECT_EQ(elsewhere({"prune", "last"}).exit, 0);
  EXPECT_EQ(server_->sql("runs", "SELECT count(*) FROM interlock.runs;"), "1\n");
}

TEST_F(HeldOnServer, looking_makes_no_tables_and_a_second_dispatcher_is_refused) {
  EXPECT_EQ(interlock({"show"}).exit, 2);
  EXPECT_EQ(server_->sql("runs", "SELECT count(*) FROM pg_namespace WHERE nspname = 'interlock';"),
            "0\n");
  Running run = in_the_middle();
  EXPECT_EQ(at(json_of({"runs"}), "/runs/0/state"), "running");
  std::filesystem::create_directories(folder() + "/other");
  const Ended second = interlock({"--state", folder() + "/other", "resume"});
  EXPECT_EQ(second.exit, 3) << second.err;
  EXPECT_THAT(second.err, HasSubstr("is held by run"));
  go_.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(read("log"), "first\nsecond\nthird\n");
}

TEST_F(HeldOnServer, a_killed_dispatcher_is_known_to_be_dead_and_its_run_goes_on_at_once) {
  {
    Running run = in_the_middle();
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 128 + SIGKILL);
  }
  EXPECT_EQ(at(json_of({"runs"}), "/runs/0/state"), "died");
  const Ended resumed = resume();
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(read("log"), "first\nsecond\nsecond\nthird\n");
  EXPECT_EQ(states(), "first: done\nsecond: done\nthird: done\n");
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(HeldOnServer, a_server_that_crashes_and_comes_back_costs_nothing) {
  environment()["INTERLOCK_LEASE"] = "3m";
  Running run = in_the_middle();
  server_->kill();
  go_.ring();
  server_->start_again();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("log"), "first\nsecond\nthird\n");
  EXPECT_EQ(states(), "first: done\nsecond: done\nthird: done\n");
  EXPECT_EQ(server_->sql("runs",
                         "SELECT count(*) = max(seq) AND max(seq) = (SELECT last_seq FROM "
                         "interlock.runs) FROM interlock.events;"),
            "t\n");
}

TEST_F(OnServer, a_fail_over_to_the_standby_loses_and_doubles_no_event) {
  use(server_->start_standby("runs"));
  environment()["INTERLOCK_LEASE"] = "3m";
  NamedPipe here(folder() + "/here");
  std::string plan = "\ntasks:\n  - {id: knock, run: \"echo here >../here\"}\n";
  for (int i = 0; i < 150; ++i) plan += fmt::format("  - {{id: t{}, run: \"true\"}}\n", i);
  write_plan(plan);
  Running run = start({"run", "plan.yaml", "-q"});
  EXPECT_EQ(here.next(), "here");
  server_->kill();
  server_->promote_standby();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(server_->sql_on_standby("runs",
                                    "SELECT count(*) = max(seq), max(seq) = (SELECT last_seq FROM "
                                    "interlock.runs), count(*) FILTER (WHERE name = 'task_done'), "
                                    "count(DISTINCT body) FILTER (WHERE name = 'task_done') FROM "
                                    "interlock.events;"),
            "t|t|151|151\n");
}

TEST_F(HeldOnServer, a_server_that_is_gone_ends_the_run_which_goes_on_when_it_is_back) {
  environment()["INTERLOCK_LEASE"] = "14s";
  {
    Running run = in_the_middle();
    server_->kill();
    const Ended ended = run.wait();
    EXPECT_EQ(ended.exit, 4);
    EXPECT_THAT(ended.err, HasSubstr("could not be reached for 10 s"));
    EXPECT_THAT(ended.err, HasSubstr("interlock resume"));
    EXPECT_THAT(left_running(), IsEmpty()) << "no attempt outlives the lease";
  }
  server_->start_again();
  const Ended resumed = resume();
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(states(), "first: done\nsecond: done\nthird: done\n");
}

TEST_F(HeldOnServer, a_request_from_another_machine_wakes_the_dispatcher) {
  Running run = in_the_middle();
  // As `interlock cancel` does on a machine that cannot signal this one's processes.
  server_->sql("runs",
               "INSERT INTO interlock.requests(run, at, kind, task, by, body) VALUES(1, 0, "
               "'cancel_run', '', 'ann@far', ''); SELECT pg_notify('run_1', '');");
  const Ended ended = run.wait();
  EXPECT_EQ(at(json_of({"show"}), "/state"), "cancelled") << ended.err;
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(HeldOnServer, a_dispatcher_that_slept_past_its_lease_writes_nothing_more) {
  Running run = in_the_middle();
  run.send(SIGSTOP);
  // As time passing does, and another machine that takes the run over then.
  server_->sql("runs",
               "UPDATE interlock.runs SET epoch = epoch + 1; UPDATE interlock.leases SET epoch = "
               "epoch + 1;");
  const std::string before = server_->sql("runs", "SELECT count(*) FROM interlock.events;");
  run.send(SIGCONT);
  go_.ring();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("another dispatcher"));
  EXPECT_EQ(server_->sql("runs", "SELECT count(*) FROM interlock.events;"), before);
}

TEST_F(OnServer, what_is_wrong_with_a_store_is_said_in_one_line_without_the_password) {
  write_plan("\ntasks:\n  - {id: a, run: \"true\"}\n");
  const auto complaint_of = [&](const std::string& url, int exit) {
    const Ended ended = interlock({"--store", url, "run", "plan.yaml"});
    EXPECT_EQ(ended.exit, exit) << ended.err;
    EXPECT_THAT(ended.err + ended.out, Not(HasSubstr("sesame")));
    return ended.err;
  };
  server_->sql("runs", "CREATE ROLE guarded LOGIN PASSWORD 'open-sesame' SUPERUSER;");
  EXPECT_THAT(complaint_of("mysql://ann:sesame@db/runs", 2), HasSubstr("not a `postgres://` URL"));
  EXPECT_THAT(complaint_of("postgres://ann:sesame@[db/runs", 2), HasSubstr("cannot be read"));
  EXPECT_THAT(complaint_of("postgres://ann:sesame@db:port/runs", 2), HasSubstr("wrong value"));
  EXPECT_THAT(complaint_of("postgres://ann:sesame@127.0.0.1:1/runs", 4),
              HasSubstr("no server answers there"));
  EXPECT_THAT(complaint_of(server_->url_with_password("runs", "sesame"), 3),
              HasSubstr("does not accept the password"));
  EXPECT_THAT(complaint_of(server_->url("none"), 2), HasSubstr("does not exist"));
  const std::string good = server_->url_with_password("runs", "open-sesame");
  EXPECT_THAT(complaint_of(good, 0), HasSubstr("done"));
  EXPECT_EQ(server_->sql("runs",
                         "SELECT count(*) FROM interlock.documents WHERE "
                         "position('sesame' IN encode(text, 'escape')) > 0;"),
            "0\n");

  server_->sql("runs", "INSERT INTO interlock.schema_version VALUES(99);");
  EXPECT_THAT(complaint_of(good, 3), HasSubstr("has schema 99"));
  server_->sql(
      "runs",
      "DELETE FROM interlock.schema_version WHERE version > 1; DROP TABLE "
      "interlock.samples, interlock.calls, interlock.regrets, interlock.tasks, "
      "interlock.workers, interlock.jobs, interlock.job_files; ALTER TABLE interlock.events "
      "DROP COLUMN task;");
  use(good);
  const Ended old = interlock({"show"});
  EXPECT_EQ(old.exit, 3);
  EXPECT_THAT(old.err, HasSubstr("has schema 1"));
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0) << "which brings it up";
  EXPECT_EQ(interlock({"show"}).exit, 0);
}

TEST_F(OnServer, another_machine_shows_what_an_attempt_changed) {
  write("page", "old\n");
  write_plan("\ntasks:\n  - {id: a, isolation: view, run: \"echo new >page\", writes: [page]}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  if (ended.exit == 2) GTEST_SKIP() << ended.err;  // No snapshots on this host.
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const std::string here = interlock({"diff", "last", "a"}).out;
  EXPECT_THAT(here, HasSubstr("-old\n+new\n"));
  EXPECT_EQ(interlock({"--state", folder() + "/other", "diff", "last", "a"}).out, here);
}

TEST_F(OnServer, attempts_are_not_given_the_stores_url) {
  use(server_->url_with_password("runs", "open-sesame"));
  server_->sql("runs", "CREATE ROLE guarded LOGIN PASSWORD 'open-sesame' SUPERUSER;");
  write_plan("\ntasks:\n  - {id: a, run: \"env\", output: text}\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(interlock({"output", "last", "a"}).out, Not(HasSubstr("sesame")));
}

TEST_F(OnServer, doctor_says_what_is_to_be_known_of_a_store) {
  const Ended empty = interlock({"doctor"});
  EXPECT_EQ(empty.exit, 0) << empty.err;
  EXPECT_THAT(empty.out, HasSubstr("none yet"));
  write_plan("\ntasks:\n  - {id: a, run: \"true\"}\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const auto said = json_of({"doctor"});
  EXPECT_EQ(at(said, "/schema"), at(said, "/known_schema"));
  EXPECT_EQ(at(said, "/may_write"), "true");
  server_->kill();
  EXPECT_EQ(interlock({"doctor"}).exit, 4);
}

}  // namespace
}  // namespace interlock::e2e
