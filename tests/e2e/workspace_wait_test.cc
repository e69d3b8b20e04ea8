#include <gmock/gmock.h>
#include <signal.h>

#include "e2e/cli_harness.h"

// Two runs in one workspace: the second waits, where it was asked to.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class WorkspaceWait : public Cli {
 protected:
  /// A run that goes on until it is let go, and then leaves two files.
  Running first_run() {
    write_plan(
        "tasks:\n  - {id: a, run: \"echo here >../here; read line <../go; touch in-1 in-2\", "
        "reads: [], writes: [\"in-*\"]}\n",
        "first.yaml");
    write_plan(
        "tasks:\n  - {id: \"of-{item}\", foreach: \"in-*\", run: \"touch out-{item}\", "
        "reads: [\"{item}\"], writes: [\"out-{item}\"]}\n",
        "second.yaml");
    Running run = start({"run", "first.yaml"});
    EXPECT_EQ(here_.next(), "here");
    return run;
  }

  NamedPipe here_{folder() + "/here"}, go_{folder() + "/go"};
};

TEST_F(WorkspaceWait, is_refused_where_nobody_asked_for_it_and_says_how_to_ask) {
  Running first = first_run();
  const Ended refused = interlock({"run", "second.yaml"});
  EXPECT_EQ(refused.exit, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is held by run"), HasSubstr("--wait-for-workspace")));
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
}

TEST_F(WorkspaceWait, waits_says_for_whom_and_sees_what_the_first_left) {
  Running first = first_run();
  Running second = start({"run", "second.yaml", "--wait-for-workspace"});
  second.until_it_says("waiting: the workspace `" + workspace() + "` is held by run ");
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
  const Ended ended = second.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(states(), "of-in-1: done\nof-in-2: done\n") << "its files are read when it has begun";
  EXPECT_TRUE(exists("out-in-2"));
}

TEST_F(WorkspaceWait, names_the_run_to_those_who_wait_behind_it) {
  write_plan(
      "tasks: [{id: b, run: \"echo here >../here; read line <../go\", reads: [], "
      "writes: [b]}]\n",
      "other.yaml");
  Running first = first_run();
  Running second = start({"run", "other.yaml", "--lock-timeout", "10m"});
  second.until_it_says("waiting: ");
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
  EXPECT_EQ(here_.next(), "here");
  const std::string run = at(json_of({"show", "last"}), "/run");
  EXPECT_THAT(interlock({"run", "second.yaml"}).err, HasSubstr("is held by run `" + run + "`"));
  go_.ring();
  EXPECT_EQ(second.wait().exit, 0);
}

TEST_F(WorkspaceWait, gives_up_when_its_time_is_up) {
  Running first = first_run();
  const Ended late = interlock({"run", "second.yaml", "--lock-timeout", "150ms"});
  EXPECT_EQ(late.exit, 3);
  EXPECT_THAT(late.err, HasSubstr(", and was waited for "));
  EXPECT_EQ(interlock({"run", "second.yaml", "--lock-timeout", "soon"}).exit, 2);
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
}

TEST_F(WorkspaceWait, ends_by_ctrl_c_with_nothing_begun) {
  Running first = first_run();
  Running second = start({"each", "first.yaml", "--wait-for-workspace", "--", "true"});
  second.until_it_says("waiting: ");
  second.send(SIGINT);
  const Ended ended = second.wait();
  EXPECT_EQ(ended.exit, 130);
  EXPECT_THAT(ended.err, HasSubstr("stopped waiting; nothing was begun"));
  EXPECT_EQ(json_of({"runs"}).at("runs").as_array().size(), 1U);
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
}

TEST_F(WorkspaceWait, is_for_runs_that_are_taken_up_again_too) {
  write_plan("tasks: [{id: b, run: \"test -e now\", reads: [now], writes: []}]\n", "other.yaml");
  EXPECT_EQ(interlock({"run", "other.yaml"}).exit, 1);
  const std::string run = at(json_of({"show", "last"}), "/run");
  Running first = first_run();
  Running again = start({"retry", run, "--wait-for-workspace"});
  again.until_it_says("waiting: ");
  write("now", "");
  go_.ring();
  EXPECT_EQ(first.wait().exit, 0);
  EXPECT_EQ(again.wait().exit, 0);
}

}  // namespace

}  // namespace interlock::e2e
