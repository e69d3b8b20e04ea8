#include <gmock/gmock.h>

#include "e2e/isolation_harness.h"

// `verify` of a whole plan: what all of its tasks leave together has to pass.
namespace interlock::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RunCheck : public Isolated {
 protected:
  void SetUp() override {
    need("view");
    make_repository();
  }
};

TEST_F(RunCheck, passes_upon_all_that_the_tasks_left_and_leaves_nothing_itself) {
  write_plan_of_four("test -e a -a -e bad -a -e upon -a -e d && touch built");
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out,
              HasSubstr("2 of 4 tasks touch nothing in common"))
      << "it does not count among those that may overlap";
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/state"), "finished");
  EXPECT_EQ(at(shown, "/tasks/4/id"), "verify:run");
  EXPECT_EQ(at(shown, "/tasks/4/state"), "done");
  EXPECT_NE(shell("test -e built").exit, 0) << "what it makes is thrown away";
  EXPECT_EQ(interlock({"land", "last", "--branch", "good"}).exit, 0);
}

TEST_F(RunCheck, that_fails_fails_the_run_and_says_whose_changes_make_it_fail) {
  write_plan_of_four("test ! -e bad");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("`bad` makes it fail"));
  EXPECT_THAT(ended.err, HasSubstr("`upon` stand on that, or were not tried"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "failed");
  EXPECT_THAT(interlock({"why", "last", "verify:run"}).out, HasSubstr("verify-failed"));
  EXPECT_EQ(shell("git branch --list 'interlock*'; git worktree list | wc -l").out, "1\n")
      << "nothing is left of looking";
  const Ended landed = interlock({"land", "last", "--branch", "good"});
  EXPECT_EQ(landed.exit, 1) << landed.err;
  EXPECT_EQ(shell("git ls-tree --name-only good").out, "a\nbase\nd\n");
  EXPECT_EQ(interlock({"land", "last", "--branch", "all", "--no-verify"}).exit, 0);
  EXPECT_EQ(shell("git ls-tree --name-only all").out, "a\nbad\nbase\nd\nupon\n");
}

TEST_F(RunCheck, is_not_asked_where_a_task_failed) {
  write_plan("verify: echo asked >&2\ntasks: [{id: a, run: 'false', retries: 0}]\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(interlock({"why", "last", "verify:run"}).out, HasSubstr("`a`"));
  EXPECT_THAT(interlock({"log", "last"}).out, Not(HasSubstr("asked")));
}

TEST_F(RunCheck, is_no_task_that_patterns_mean) {
  write_plan(
      "verify: 'true'\n"
      "tasks: [{id: a, run: echo a, output: text}, {id: z, run: 'true', needs: ['*']}]\n"
      "merge: {all: {from: ['*a'], with: concat}}\n");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  write_plan("verify: 'true'\ntasks: []\n");
  EXPECT_EQ(interlock({"plan", "plan.yaml"}).exit, 2);
}

}  // namespace
}  // namespace interlock::e2e
