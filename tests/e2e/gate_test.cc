#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"

// Gates: where a person decides, and the run pauses without one.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Gate : public Cli {
 protected:
  int run(const std::string& plan) {
    write_plan(plan);
    return interlock({"run", "plan.yaml"}).exit;
  }
};

TEST_F(Gate, before_a_task_pauses_the_run_until_it_is_approved) {
  ASSERT_EQ(run(R"(
tasks:
  - {id: prepare, run: [true]}
  - {id: migrate, run: [touch, migrated], gate: before}
)"),
            3);
  EXPECT_FALSE(exists("migrated"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "waits at a gate");
  EXPECT_THAT(interlock({"why", "last", "migrate"}).out, HasSubstr("gate"));
  EXPECT_EQ(interlock({"approve", "last", "prepare"}).exit, 3) << "it waits at no gate";
  EXPECT_EQ(interlock({"approve", "last", "migrate"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_TRUE(exists("migrated"));
}

TEST_F(Gate, resume_does_not_wait_because_the_run_did) {
  write_plan("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n");
  Running run = start({"run", "plan.yaml", "--wait", "--face", "lines"});
  run.until_it_says("waits for approval");
  run.send(SIGKILL);
  run.wait();
  EXPECT_EQ(interlock({"resume"}).exit, 3);
  EXPECT_FALSE(exists("migrated"));
}

TEST_F(Gate, rejected_fails_the_task) {
  ASSERT_EQ(run("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n"), 3);
  EXPECT_EQ(interlock({"reject", "last", "migrate"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 1);
  EXPECT_EQ(states(), "migrate: failed\n");
  EXPECT_FALSE(exists("migrated"));
}

TEST_F(Gate, after_a_task_shows_what_is_to_be_approved) {
  ASSERT_EQ(run("tasks:\n  - {id: draft, run: \"echo a draft\", gate: after, output: text}\n"
                "  - {id: use, run: \"echo {outputs.draft}\", output: text}\n"),
            3);
  const Ended shown = interlock({"output", "last", "draft"});
  EXPECT_EQ(shown.out, "a draft\n") << shown.err;
  EXPECT_THAT(shown.err, HasSubstr("`draft` waits for approval"));
  EXPECT_EQ(interlock({"output", "last", "use"}).exit, 2) << "it was given nothing";
  EXPECT_EQ(interlock({"approve", "last", "draft"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_EQ(interlock({"output", "last", "use"}).out, "a draft\n");
}

TEST_F(Gate, after_a_task_holds_back_what_needs_it) {
  ASSERT_EQ(run(R"(
tasks:
  - {id: draft, run: "echo x >>drafts", gate: after}
  - {id: publish, run: [touch, published], needs: [draft]}
)"),
            3);
  EXPECT_EQ(states(), "draft: reviewing\npublish: waiting\n");
  EXPECT_EQ(interlock({"approve", "last", "draft"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_TRUE(exists("published"));
  EXPECT_EQ(read("drafts"), "x\n") << "what was reviewed is not done again";
}

TEST_F(Gate, after_every_few_tasks_the_whole_run_waits_for_a_review) {
  ASSERT_EQ(run(R"(
limits: {gate_every: 2}
tasks:
  - {id: a, run: [true]}
  - {id: b, run: [true]}
  - {id: c, run: [true]}
  - {id: d, run: [true]}
)"),
            3);
  EXPECT_EQ(states(), "a: done\nb: done\nc: waiting\nd: waiting\n");
  EXPECT_EQ(interlock({"approve", "last"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_EQ(states(), "a: done\nb: done\nc: done\nd: done\n");
}

TEST_F(Gate, is_waited_at_when_asked_and_answered_from_another_terminal) {
  write_plan("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n");
  Running run = start({"run", "plan.yaml", "--wait"});
  run.until_it_says("interlock approve");
  EXPECT_EQ(interlock({"approve", "last", "migrate"}).exit, 0);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_TRUE(exists("migrated"));
}

}  // namespace

}  // namespace interlock::e2e
