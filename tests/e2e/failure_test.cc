#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// What happens when a task goes wrong, in each of the ways it can.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Failure : public Cli {
 protected:
  int run(const std::string& plan) {
    write_plan(plan);
    const Ended ended = interlock({"run", "plan.yaml"});
    said_ = ended.err;
    return ended.exit;
  }
  std::string of_task(const std::string& member, int task = 0) {
    return at(json_of({"show", "last"}), "/tasks/" + std::to_string(task) + "/" + member);
  }
  std::string said_;
};

TEST_F(Failure, a_task_is_not_hurt_by_what_the_one_before_it_left_running) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: messy, run: "setsid sleep 1000 & echo left", reads: [], output: text}
  - {id: tidy, run: "echo after {outputs.messy}", reads: [], output: text}
  - {id: tidier, run: "echo after {outputs.tidy}", reads: [], output: text}
)"),
            0)
      << said_;
  EXPECT_THAT(left_running(), IsEmpty());
  EXPECT_EQ(interlock({"output", "last", "tidier"}).out, "after after left\n");
}

TEST_F(Failure, a_rejected_output_is_sent_back_once_with_what_was_wrong) {
  ASSERT_EQ(run(R"(
agents:
  unsure:
    kind: command
    prompt: stdin
    run: 'cat >>asked; if [ -n "$INTERLOCK_CORRECTION" ]; then echo "{\"n\": 1}"; else echo "{\"n\": \"one\"}"; fi'
tasks:
  - id: count
    agent: unsure
    prompt: How many?
    reads: [x]
    writes: [asked]
    output: {schema: {type: object, properties: {n: {type: integer}}}}
)"),
            0)
      << said_;
  EXPECT_EQ(of_task("attempts"), "2");
  EXPECT_EQ(of_task("history/0/outcome"), "output-invalid");
  EXPECT_THAT(read("asked"), HasSubstr("not accepted"));
  EXPECT_THAT(read("asked"), HasSubstr("/n"));
  EXPECT_EQ(interlock({"output", "last", "count"}).out, "{\"n\": 1}\n");
}

TEST_F(Failure, an_output_that_stays_wrong_fails_the_task) {
  EXPECT_EQ(run("tasks: [{id: a, run: [echo, '7'], output: {schema: {type: string}}}]\n"), 1);
  EXPECT_EQ(of_task("state"), "failed");
  EXPECT_EQ(of_task("attempts"), "2");
}

TEST_F(Failure, a_task_that_fails_is_tried_again_as_often_as_it_may) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: shaky, run: "echo try >>tries; test $(wc -l <tries) -ge 3", writes: [tries], retries: 2, backoff: 10ms}
)"),
            0)
      << said_;
  EXPECT_EQ(read("tries"), "try\ntry\ntry\n");
  EXPECT_EQ(of_task("history/0/outcome"), "exited-nonzero");
  EXPECT_EQ(of_task("history/0/exit"), "1");
  EXPECT_EQ(of_task("history/2/outcome"), "succeeded");
}

TEST_F(Failure, only_what_needs_a_failed_task_is_skipped) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: broken, run: [false], reads: [x]}
  - {id: needs-it, run: [true], needs: [broken], reads: [x]}
  - {id: and-that, run: [true], needs: [needs-it], reads: [x]}
  - {id: aside, run: [true], reads: [x]}
)"),
            1);
  EXPECT_EQ(states(), "broken: failed\nneeds-it: skipped\nand-that: skipped\naside: done\n");
  EXPECT_THAT(interlock({"why", "last", "and-that"}).out, HasSubstr("`needs-it` did not succeed"));
}

TEST_F(Failure, the_first_failure_can_stop_everything) {
  EXPECT_EQ(run(R"(
limits: {on_failure: stop}
tasks:
  - {id: broken, run: [false]}
  - {id: later, run: [touch, started]}
)"),
            1);
  EXPECT_FALSE(exists("started"));
  EXPECT_NE(of_task("state", 1), "done");
}

TEST_F(Failure, a_share_of_failures_is_borne_and_no_more) {
  const std::string plan = R"(
tasks:
  - {id: a, run: [false]}
  - {id: b, run: [true]}
  - {id: c, run: [false]}
  - {id: d, run: [touch, started]}
)";
  EXPECT_EQ(run("limits: {on_failure: 50%}" + plan), 1);
  EXPECT_EQ(of_task("state", 3), "done");
  EXPECT_EQ(run("limits: {on_failure: 25%}" + plan), 1);
  EXPECT_NE(of_task("state", 3), "done");
}

TEST_F(Failure, a_task_past_its_time_is_ended_with_all_its_children) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: long, run: "setsid sleep 1000 & sleep 1000", timeout: 300ms, grace: 100ms}
)"),
            1);
  EXPECT_EQ(of_task("outcome"), "timed-out");
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(Failure, a_silent_task_is_ended_and_a_talking_one_is_not) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: silent, run: [sleep, "1000"], idle_timeout: 300ms, grace: 100ms}
)"),
            1);
  EXPECT_EQ(of_task("outcome"), "went-silent");
}

TEST_F(Failure, a_task_that_ignores_being_asked_is_killed_after_its_grace) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: deaf, run: "trap '' TERM; while :; do sleep 1; done", timeout: 300ms, grace: 100ms}
)"),
            1);
  EXPECT_EQ(of_task("outcome"), "timed-out");
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(Failure, a_daemon_that_a_task_leaves_behind_is_ended_and_counted) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: daemon, run: "setsid -f sleep 1000 >/dev/null 2>&1 </dev/null; echo started", output: text}
)"),
            0)
      << said_;
  EXPECT_EQ(of_task("history/0/strays"), "1");
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(Failure, a_program_that_is_not_there_is_named) {
  EXPECT_EQ(run("tasks: [{id: a, run: [no-such-program-here]}]\n"), 1);
  EXPECT_THAT(said_, HasSubstr("no-such-program-here"));
  EXPECT_EQ(of_task("outcome"), "not-started");
}

TEST_F(Failure, a_task_that_crashes_is_told_by_its_signal) {
  EXPECT_EQ(run("tasks: [{id: a, run: 'kill -SEGV $$'}]\n"), 1);
  EXPECT_EQ(of_task("outcome"), "crashed");
  EXPECT_THAT(said_, HasSubstr("SIGSEGV"));
}

TEST_F(Failure, an_answer_that_never_came_is_no_success) {
  EXPECT_EQ(run("tasks: [{id: a, run: [true], output: text}]\n"), 1);
  EXPECT_EQ(of_task("outcome"), "output-missing");
}

TEST_F(Failure, a_failed_task_can_be_retried_alone) {
  ASSERT_EQ(run(R"(
tasks:
  - {id: before, run: "echo ran >>before.log", writes: [before.log]}
  - {id: broken, run: [test, -e, mended], reads: [mended]}
  - {id: after, run: "echo ran >>after.log", needs: [broken], writes: [after.log]}
)"),
            1);
  const std::string id = at(json_of({"show", "last"}), "/run");
  EXPECT_EQ(interlock({"retry", id, "before"}).exit, 3) << "finished work is not run again";
  write("mended", "");
  const Ended retried = interlock({"retry", id, "broken"});
  EXPECT_EQ(retried.exit, 0) << retried.err;
  EXPECT_EQ(states(id), "before: done\nbroken: done\nafter: done\n");
  EXPECT_EQ(read("before.log"), "ran\n");
}

}  // namespace

}  // namespace interlock::e2e
