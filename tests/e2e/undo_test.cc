#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>

#include "e2e/isolation_harness.h"

// What a run that is over changed, taken back or made a branch of.
namespace interlock::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AfterTheRun : public Isolated {
 protected:
  void SetUp() override { need("view"); }

  /// Names, modes, targets and contents of all but the plan.
  std::string tree() {
    return shell(
               "find . -path ./plan.yaml -o -printf '%p %y %m %l\n' | LC_ALL=C sort; find . -type "
               "f "
               "! -path ./plan.yaml -exec sha256sum {} + | LC_ALL=C sort -k 2")
        .out;
  }

  /// All kinds of changes, over two tasks that touch some of the same paths.
  void run_two() {
    write("kept", "as it was\n");
    write("gone", "to be deleted\n");
    write("script", "#!/bin/sh\n");
    shell("mkdir -p old/er && echo x >old/er/x && ln -s kept link && mkfifo ../go");
    write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo more >>kept; rm gone; chmod +x script; mkdir -p new/er; echo n >new/er/n"}
  - {id: b, run: "echo yet more >>kept; rm -r old; ln -sf script link; echo o >old", needs: [a]}
  - {id: c, run: "echo c >c"}
)");
    before_ = tree();
    const Ended ended = interlock({"run", "plan.yaml"});
    ASSERT_EQ(ended.exit, 0) << ended.err;
    after_ = tree();
    ASSERT_NE(before_, after_);
  }

  std::string before_, after_;
};

TEST_F(AfterTheRun, undo_gives_back_the_workspace_as_it_was) {
  run_two();
  const Ended undone = interlock({"undo", "last"});
  ASSERT_EQ(undone.exit, 0) << undone.err;
  EXPECT_EQ(tree(), before_);
  EXPECT_THAT(undone.out, HasSubstr("took back what `a`"));
  const Ended again = interlock({"undo", "last"});
  EXPECT_EQ(again.exit, 0) << "it is as it was: nothing is left to do. " << again.err;
  EXPECT_EQ(tree(), before_);
}

TEST_F(AfterTheRun, undo_of_one_task_is_refused_where_a_later_one_stands_on_it) {
  run_two();
  const Ended refused = interlock({"undo", "last", "a"});
  EXPECT_EQ(refused.exit, 3) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("`b` changed `kept` after that"));
  EXPECT_EQ(tree(), after_);
  ASSERT_EQ(interlock({"undo", "last", "b"}).exit, 0);
  EXPECT_EQ(read("kept"), "as it was\nmore\n");
  EXPECT_EQ(read("old/er/x"), "x\n");
  EXPECT_EQ(read("c"), "c\n");
}

TEST_F(AfterTheRun, undo_loses_nothing_that_a_person_changed_since) {
  run_two();
  write("kept", "a person's\n");
  const std::string tree_then = tree();
  const Ended refused = interlock({"undo", "last"});
  EXPECT_EQ(refused.exit, 3) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("`kept` changed since"));
  EXPECT_EQ(tree(), tree_then);
  ASSERT_EQ(interlock({"undo", "last", "c"}).exit, 0);
  EXPECT_FALSE(exists("c"));
}

TEST_F(AfterTheRun, undo_says_why_there_is_nothing_to_take_back) {
  write_plan("tasks: [{id: a, run: 'echo a >a'}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml", "--isolation", "direct"}).exit, 0);
  const Ended refused = interlock({"undo", "last"});
  EXPECT_EQ(refused.exit, 2) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("only tasks in views and worktrees"));
  EXPECT_EQ(read("a"), "a\n");
  ASSERT_EQ(interlock({"run", "plan.yaml", "--isolation", "view", "--fresh"}).exit, 0);
  EXPECT_THAT(interlock({"undo", "last"}).err, HasSubstr("changed nothing"));
}

TEST_F(AfterTheRun, land_makes_a_branch_with_a_commit_for_each_task) {
  shell("git init -q -b main . && git config user.name P && git config user.email p@example.org");
  write("kept", "as it was\n");
  shell("git add -A && git commit -qm first");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo more >>kept"}
  - {id: b, run: "echo b >b", needs: [a]}
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const std::string status = shell("git status --porcelain; git rev-parse HEAD").out;
  const Ended landed =
      interlock({"land", "last", "--branch", "the-work", "-o", "../pull-request.md"});
  ASSERT_EQ(landed.exit, 0) << landed.err;
  EXPECT_THAT(landed.out, HasSubstr("branch `the-work`: 2 commits upon HEAD"));
  EXPECT_EQ(shell("git log --format=%s HEAD..the-work | sed 's,.*/,,'").out, "b\na\n");
  EXPECT_EQ(shell("git show the-work:kept").out, "as it was\nmore\n");
  EXPECT_EQ(shell("git show the-work~1:b 2>&1; echo $?").out.find("b\n"), std::string::npos);
  EXPECT_EQ(shell("git status --porcelain; git rev-parse HEAD").out, status);
  EXPECT_THAT(shell("cat ../pull-request.md").out, HasSubstr("| a | done"));
  const Ended again = interlock({"land", "last", "--branch", "the-work"});
  EXPECT_EQ(again.exit, 3) << again.out;
  EXPECT_THAT(again.err, HasSubstr("`the-work` is there already"));
  EXPECT_EQ(interlock({"land", "last", "--branch", "no..name"}).exit, 2);
}

}  // namespace
}  // namespace interlock::e2e
