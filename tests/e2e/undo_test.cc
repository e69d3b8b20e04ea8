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

/// Four tasks: `bad` breaks the check, `upon` stands on it, the others do not.
class Landing : public AfterTheRun {
 protected:
  void run_four() {
    make_repository();
    write_plan_of_four();
    ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  }
  std::string files_of(const std::string& branch) {
    return shell("git ls-tree --name-only " + branch + " | tr '\\n' ' '").out;
  }
};

TEST_F(Landing, holds_what_passes_together_and_names_and_keeps_what_does_not) {
  run_four();
  const std::string refs = shell("git for-each-ref; git worktree list").out;
  const Ended landed = interlock({"land", "last", "--branch", "good", "--verify", "test ! -e bad"});
  EXPECT_EQ(landed.exit, 1) << landed.err;
  EXPECT_THAT(landed.out, HasSubstr("branch `good`: 2 commits upon HEAD, which pass together"));
  EXPECT_THAT(landed.out, HasSubstr("fails: `bad`\n"));
  EXPECT_THAT(landed.out, HasSubstr("left out with that, or not tried: `upon`\n"));
  EXPECT_THAT(landed.out, HasSubstr("kept on branch `good-red`"));
  EXPECT_THAT(landed.err, HasSubstr("check 1 of at most 20: 4 of 4 commits fail after "));
  EXPECT_EQ(files_of("good"), "a base d ");
  EXPECT_EQ(files_of("good-red"), "a bad base d upon ");
  shell("git branch -D good good-red");
  EXPECT_EQ(shell("git for-each-ref; git worktree list").out, refs) << "nothing else is left";
}

TEST_F(Landing, of_what_passes_takes_one_check) {
  run_four();
  const Ended landed = interlock({"land", "last", "--verify", "test -e bad -o ! -e a", "--json"});
  EXPECT_EQ(landed.exit, 0) << landed.err;
  EXPECT_THAT(landed.out, HasSubstr("\"checks\": 1"));
  EXPECT_THAT(landed.out, HasSubstr("\"commits\": 4"));
  EXPECT_EQ(shell("git branch --list '*-red'").out, "");
}

TEST_F(Landing, that_is_interrupted_makes_no_branch_and_leaves_nothing_running) {
  run_four();
  const std::string refs = shell("git for-each-ref; git worktree list").out;
  NamedPipe here(folder() + "/here");
  Running landing = start({"land", "last", "--branch", "good", "--verify",
                           "echo $$ >" + folder() + "/here; sleep 1000"});
  const std::string check = here.next();
  landing.send(SIGTERM);
  const Ended ended = landing.wait();
  EXPECT_EQ(ended.exit, 130) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("interrupted: no branch was made"));
  EXPECT_EQ(shell("git for-each-ref; git worktree list").out, refs);
  EXPECT_NE(shell("kill -0 " + check).exit, 0) << "the check is gone";
}

TEST_F(Landing, of_a_check_that_fails_on_head_alone_says_nothing_of_the_changes) {
  run_four();
  const Ended landed = interlock({"land", "last", "--verify", "false"});
  EXPECT_EQ(landed.exit, 3) << landed.out;
  EXPECT_THAT(landed.err, HasSubstr("fails on HEAD without anything of the run"));
  EXPECT_EQ(shell("git branch --list 'land/*'").out, "");
  EXPECT_EQ(interlock({"land", "last"}).exit, 0);
}

}  // namespace
}  // namespace interlock::e2e
