#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "e2e/isolation_harness.h"

// `setup` and `services`: what has to be there before a task's work, and beside it.
namespace interlock::e2e {
namespace {

using ::testing::HasSubstr;

/// Answers on its port with what the file `data` holds.
constexpr const char* kServer = R"py(
import os, socket, sys
data = open(sys.argv[2]).read() if len(sys.argv) > 2 else "data"
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", int(sys.argv[1])))
listening.listen(8)
while True:
    one, _ = listening.accept()
    one.sendall(data.encode())
    one.close()
)py";
/// Prints what the server on a port answers.
constexpr const char* kAsk = R"py(
import socket, sys
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(one.recv(100).decode(), end="")
)py";

class Services : public Isolated {
 protected:
  Services() {
    write("server.py", kServer);
    write("ask.py", kAsk);
  }

  std::string why(const std::string& task) { return interlock({"why", "last", task}).out; }
};

TEST_F(Services, run_beside_the_work_and_its_check_each_with_a_port_of_its_own) {
  write_plan(
      "services:\n"
      "  db: {run: [python3, '{workspace}/server.py', '{port}', '{tmp}/data']}\n"
      "  cache: {run: 'exec python3 server.py {port}', ready: 'python3 ask.py {port} | grep -q "
      "data'}\n"
      "defaults: {setup: 'echo \"rows of $INTERLOCK_TASK\" >\"$TMPDIR/data\"', services: [db, "
      "cache]}\n"
      "limits: {parallel: 2}\n"
      "tasks:\n"
      "- {id: a, run: 'python3 ask.py $INTERLOCK_PORT_DB; python3 ask.py $INTERLOCK_PORT_CACHE; "
      "echo $INTERLOCK_PORT_COUNT', reads: ['*.py'], writes: [], output: text,\n"
      "   verify: 'python3 ask.py $INTERLOCK_PORT_DB | grep -q \"rows of a\"'}\n"
      "- {id: b, run: 'python3 ask.py $INTERLOCK_PORT_DB', reads: ['*.py'], writes: [], output: "
      "text}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.out << ended.err;
  EXPECT_EQ(interlock({"output", "last", "a"}).out, "rows of a\ndata18\n");
  EXPECT_EQ(interlock({"output", "last", "b"}).out, "rows of b\n");
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, see_the_tasks_own_view) {
  need("view");
  if (IsSkipped()) return;
  write("seed", "seed");
  write_plan(
      "services: {db: {run: [python3, server.py, '{port}', grown]}}\n"
      "tasks: [{id: a, isolation: view, setup: 'cat seed seed >grown', services: [db], "
      "run: 'python3 ask.py $INTERLOCK_PORT_DB >answer', verify: 'test \"$(python3 ask.py "
      "$INTERLOCK_PORT_DB)\" = seedseed', reads: [seed, '*.py'], writes: [grown, answer]}]\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.out << ended.err << why("a");
  EXPECT_EQ(read("answer"), "seedseed");
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, one_that_never_becomes_ready_fails_its_task_and_says_so) {
  write_plan(
      "services: {db: {run: 'echo starting up; exec sleep 1000', ready_within: 300ms}}\n"
      "tasks: [{id: a, services: [db], run: 'touch done', retries: 0}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("service `db` was not ready within 0.3 s"));
  EXPECT_THAT(interlock({"log", "last", "a"}).out, HasSubstr("starting up"));
  EXPECT_FALSE(exists("done"));
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, one_that_ends_before_it_is_ready_is_not_waited_for) {
  write_plan(
      "services: {db: {run: 'echo no such table >&2; exit 3'}}\n"
      "tasks: [{id: a, services: [db], run: 'touch done', retries: 0}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("service `db` ended before it was ready: exit status 3"));
  EXPECT_THAT(interlock({"log", "last", "a"}).out, HasSubstr("no such table"));
  EXPECT_FALSE(exists("done"));
}

TEST_F(Services, one_that_ends_meanwhile_ends_the_work) {
  const NamedPipe pipe(folder() + "/pipe");
  write_plan("services: {db: {run: 'python3 server.py {port} & read -r line <" + pipe.path() +
             "; kill $!; exit 4'}}\n"
             "tasks: [{id: a, services: [db], run: 'echo end >" +
             pipe.path() + "; sleep 1000; touch done', retries: 0}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("service `db` ended while the work went on: exit status 4"));
  EXPECT_FALSE(exists("done"));
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, a_setup_that_fails_is_no_failure_of_the_work) {
  write_plan(
      "tasks: [{id: a, setup: 'echo no such schema >&2; exit 7', run: 'touch done', retries: 1, "
      "backoff: 0s}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("setup failed: exit status 7"));
  EXPECT_THAT(interlock({"log", "last", "a"}).out, HasSubstr("no such schema"));
  EXPECT_FALSE(exists("done"));
  EXPECT_EQ(at(json_of({"why", "last", "a"}), "/version"), "1");
}

TEST_F(Services, a_port_that_another_takes_meanwhile_is_said) {
  write("take.py",
        "import os, socket, time\n"
        "taken = socket.socket()\n"
        "taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "taken.bind(('127.0.0.1', int(os.environ['INTERLOCK_PORT_DB'])))\n"
        "taken.listen(1)\n"
        "if os.fork() == 0:\n"
        "    time.sleep(1000)\n");
  write_plan(
      "services: {db: {run: 'python3 server.py {port}'}}\n"
      "tasks: [{id: a, services: [db], setup: python3 take.py, run: 'touch done', retries: 0}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("is in use by another program"));
  EXPECT_FALSE(exists("done"));
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, the_exit_of_the_work_is_the_tasks) {
  write_plan(
      "services: {db: {run: 'python3 server.py {port}'}}\n"
      "tasks: [{id: a, services: [db], run: 'exit 9', retries: 0}, "
      "{id: b, services: [db], run: 'kill -SEGV $$', retries: 0}]\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(why("a"), HasSubstr("exit status 9"));
  EXPECT_THAT(why("b"), HasSubstr("SIGSEGV"));
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, go_with_a_dispatcher_that_is_killed_and_are_there_again_when_it_goes_on) {
  NamedPipe up(folder() + "/up");
  write_plan(
      "services: {db: {run: 'python3 server.py {port}'}}\n"
      "tasks: [{id: a, services: [db], run: 'python3 ask.py $INTERLOCK_PORT_DB >>answers; "
      "test -e again || { echo up >" +
      up.path() + "; sleep 1000; }'}]\n");
  {
    Running run = start({"run", "plan.yaml"});
    EXPECT_EQ(up.next(), "up");
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 128 + SIGKILL);
  }
  write("again", "");
  const Ended resumed = interlock({"resume", "last"});
  EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err << why("a");
  EXPECT_EQ(read("answers"), "datadata");
  EXPECT_TRUE(left_running().empty());
}

TEST_F(Services, two_runs_of_a_machine_have_different_ports) {
  shell("mkdir -p ../other && cp *.py ../other");
  const std::string plan =
      "interlock: 1\nservices: {db: {run: 'python3 server.py {port}'}}\n"
      "tasks: [{id: a, services: [db], run: 'python3 ask.py $INTERLOCK_PORT_DB', output: text}]\n";
  write("../other/plan.yaml", plan);
  write_plan(
      "services: {db: {run: 'python3 server.py {port}'}}\n"
      "tasks: [{id: a, services: [db], output: text, run: 'cd ../other && \"$IL\" run plan.yaml "
      ">&2 && "
      "python3 ask.py $INTERLOCK_PORT_DB'}]\n"
      "agents: {sh: {kind: command, pass_env: [IL, XDG_STATE_HOME]}}\n");
  environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out;
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.out << ended.err << interlock({"log", "last", "a"}).out;
}

TEST_F(Services, mistakes_in_the_plan_are_told_by_place) {
  write_plan(
      "services: {db: {run: 'x {outputs.a}'}, Big: {run: x}, none: {}, soon: {run: x, "
      "ready_within: 0s}}\n"
      "tasks: [{id: a, run: 'true', services: [dc]}]\n");
  const Ended ended = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(ended.exit, 2) << ended.out;
  EXPECT_THAT(ended.err, HasSubstr("`{outputs.a}` means nothing to a service"));
  EXPECT_THAT(ended.err, HasSubstr("`Big` is not a name for a service"));
  EXPECT_THAT(ended.err, HasSubstr("service `none` has no `run`"));
  EXPECT_THAT(ended.err, HasSubstr("no service is ready at once"));
  EXPECT_THAT(ended.err, HasSubstr("no service `dc`"));
  EXPECT_THAT(ended.err, HasSubstr("did you mean `db`?"));
}

}  // namespace
}  // namespace interlock::e2e
