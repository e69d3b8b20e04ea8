#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// What other terminals can ask of a run that is going on, and what they see of it.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class Control : public Cli {
 protected:
  Control() : here_(folder() + "/here"), go_(folder() + "/go") {
    write_plan(R"(
limits: {parallel: 2}
tasks:
  - {id: held, run: "echo here >../here; echo working; read line <../go", writes: [x], estimate: {time: 30s}}
  - {id: blocked, run: [true], writes: [x], estimate: {time: 30s}}
  - {id: aside, run: "echo here >../here; read line <../go", writes: [y], estimate: {time: 30s}}
)");
  }
  /// A run whose `held` and `aside` both wait for the test.
  Running held() {
    Running run = start({"run", "plan.yaml", "--pattern", "parallel"});
    EXPECT_EQ(here_.next(), "here");
    EXPECT_EQ(here_.next(), "here");
    return run;
  }
  NamedPipe here_, go_;
};

TEST_F(Control, others_see_what_runs_and_why_the_rest_waits) {
  Running run = held();
  EXPECT_EQ(states(), "held: running\nblocked: waiting\naside: running\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "running");
  EXPECT_THAT(interlock({"why", "last", "blocked"}).out, HasSubstr("`held`"));
  EXPECT_THAT(at(json_of({"why", "last", "blocked"}), "/waits_for"), HasSubstr("held"));
  go_.ring(2);
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(states(), "held: done\nblocked: done\naside: done\n");
}

TEST_F(Control, one_task_can_be_cancelled_and_the_others_go_on) {
  Running run = held();
  EXPECT_EQ(interlock({"cancel", "last", "held"}).exit, 0);
  run.until_it_says("cancelled");
  go_.ring();
  EXPECT_EQ(run.wait().exit, 1);
  EXPECT_EQ(states(), "held: cancelled\nblocked: done\naside: done\n");
}

TEST_F(Control, a_whole_run_can_be_cancelled) {
  Running run = held();
  EXPECT_EQ(interlock({"cancel", "last"}).exit, 0);
  EXPECT_EQ(run.wait().exit, 1);
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "cancelled");
  EXPECT_THAT(left_running(), IsEmpty());
  EXPECT_EQ(interlock({"cancel", "last"}).exit, 3) << "it is over";
}

TEST_F(Control, a_log_can_be_followed_to_the_end_of_the_run) {
  Running run = held();
  Running follower = start({"log", "last", "--follow"});
  follower.until_it_says("working");
  go_.ring(2);
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(follower.wait().exit, 0);
}

TEST_F(Control, runs_and_tasks_that_are_not_there_are_named_with_the_nearest_that_is) {
  go_.ring(2);
  ASSERT_EQ(held().wait().exit, 0);
  const Ended run = interlock({"show", "20200101-0000"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("20200101-0000"));
  const Ended task = interlock({"why", "last", "hold"});
  EXPECT_EQ(task.exit, 2);
  EXPECT_THAT(task.err, HasSubstr("did you mean `held`?"));
  EXPECT_EQ(interlock({"output", "last", "nothing"}).exit, 2);
}

class Log : public Cli {};

// `second` writes between the two lines of `first`: what is written between two looks of the
// dispatcher has no order in time, so the test waits until each line has been seen.
TEST_F(Log, comes_in_plan_order_or_by_time_with_every_line_under_its_task) {
  NamedPipe one(folder() + "/one"), two(folder() + "/two");
  write_plan(R"(
tasks:
  - {id: first, run: "echo early; read line <../one; echo late", reads: [x], estimate: {time: 30s}}
  - {id: second, run: "read line <../two; echo between; echo oops >&2", reads: [x], estimate: {time: 30s}}
)");
  Running run = start({"run", "plan.yaml"});
  run.until_it_says("second");
  Running follower = start({"log", "last", "--follow"});
  follower.until_it_says("early");
  two.ring();
  follower.until_it_says("between");
  one.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(follower.wait().exit, 0);

  EXPECT_EQ(interlock({"log", "last"}).out,
            "first  | early\nfirst  | late\nsecond | between\nsecond ! oops\n");
  const std::string by_time = interlock({"log", "last", "--by-time"}).out;
  EXPECT_LT(by_time.find("early"), by_time.find("between"));
  EXPECT_LT(by_time.find("between"), by_time.find("late"));
  EXPECT_EQ(interlock({"log", "last", "first"}).out, "first | early\nfirst | late\n");
}

TEST_F(Log, keeps_every_attempt) {
  write_plan(
      "tasks: [{id: a, run: 'echo again; test -e done || { touch done; exit 1; }', retries: 1, "
      "backoff: 1ms}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_EQ(interlock({"log", "last"}).out, "a   | again\na#2 | again\n");
}

}  // namespace

}  // namespace interlock::e2e
