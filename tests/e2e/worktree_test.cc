#include <gmock/gmock.h>
#include <unistd.h>

#include "e2e/isolation_harness.h"

// What a task in a worktree may do with git, and what it may not.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Worktrees : public Isolated {
 protected:
  void make_repository() {
    const Ended made = shell(R"(git init -q -b main . && git config user.name a &&
      git config user.email a@b.c && echo 1 >a.txt && git add -A && git commit -qm first)");
    ASSERT_EQ(made.exit, 0) << made.err;
  }
  /// All that is in the person's repository but for objects, which only ever get more.
  std::string repository() {
    return shell(
               "find .git -path .git/objects -prune -o -type f -print0 | sort -z | "
               "xargs -0 sha256sum; git for-each-ref")
        .out;
  }
  /// A task that attacks in its worktree and then does its work.
  void write_attack() {
    write("attack.sh", R"sh(#!/bin/sh
persons=$1
cat >"$TMPDIR/leak" <<EOF
#!/bin/sh
env >"$persons/../proof"
exec cat
EOF
chmod +x "$TMPDIR/leak"
for key in filter.x.clean filter.x.process diff.external core.fsmonitor core.sshCommand; do
  git config $key "$TMPDIR/leak"
done
echo '* filter=x' >.gitattributes
mkdir -p .git/hooks && cp "$TMPDIR/leak" .git/hooks/reference-transaction
for try in "git --git-dir=$persons/.git config filter.x.clean $TMPDIR/leak" \
           "cp $TMPDIR/leak $persons/.git/hooks/post-checkout" \
           "git --git-dir=$persons/.git update-ref refs/heads/stolen HEAD" \
           "git --git-dir=$persons/.git branch -D main" "rm -rf $persons/.git"; do
  $try && : >could
done
echo 2 >a.txt
)sh");
    write_plan("tasks:\n  - {id: t, isolation: worktree, run: [sh, \"" + workspace() +
               "/attack.sh\", \"" + workspace() + "\"]}\n");
    ASSERT_EQ(shell("git add -A && git commit -qm attack").exit, 0);
  }
  void expect_held(const Ended& ended, const std::string& before) {
    ASSERT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(shell("cat a.txt").out, "2\n");
    EXPECT_FALSE(exists("../proof")) << read("../proof");
    EXPECT_FALSE(exists("could")) << "it changed the person's repository";
    // Nothing is different but for the branch of the task.
    const Ended gone = shell(
        "for b in $(git for-each-ref --format='%(refname)' "
        "refs/heads/interlock); do git update-ref -d $b; done; "
        "rm -rf .git/refs/heads/interlock .git/logs/refs/heads/interlock");
    EXPECT_EQ(gone.exit, 0) << gone.err;
    EXPECT_EQ(repository(), before);
  }
};

TEST_F(Worktrees, the_persons_repository_stays_as_it_is_and_nothing_a_task_sets_is_run) {
  make_repository();
  need("worktree");
  write_attack();
  environment()["ANTHROPIC_API_KEY"] = "sk-secret";
  const std::string before = repository();
  const Ended ended = interlock({"run", "plan.yaml", "--face", "lines"});
  expect_held(ended, before);
  const Ended why = interlock({"why", "last", "t"});
  EXPECT_THAT(why.out, HasSubstr("in the configuration of its repository: left out"));
  EXPECT_THAT(why.out, HasSubstr("the hooks `reference-transaction`"));
  expect_nothing_left();
}

TEST_F(Worktrees, an_ordinary_users_repository_too) {
  if (::geteuid() != 0) GTEST_SKIP() << "every test here runs as an ordinary user already";
  make_repository();
  need("worktree");
  write_attack();
  ASSERT_EQ(
      shell("mkdir -p ../state; chmod 755 ..; chown -R 1001:1001 . ../state; chown 1001:1001 ..")
          .exit,
      0);
  const std::string as_user =
      "setpriv --reuid=1001 --regid=1001 --clear-groups env HOME=" + folder();
  environment()["GIT_CONFIG_COUNT"] = "1";  // For the test's own git alone.
  environment()["GIT_CONFIG_KEY_0"] = "safe.directory";
  environment()["GIT_CONFIG_VALUE_0"] = "*";
  const std::string before = repository();
  const Ended tried = shell(as_user + " $INTERLOCK doctor --state ../state/u");
  if (tried.exit >= 126) GTEST_SKIP() << "an ordinary user cannot even run here: " << tried.err;
  const Ended ended = shell(as_user +
                            " ANTHROPIC_API_KEY=sk-secret $INTERLOCK run plan.yaml --face lines "
                            "--state ../state/u");
  expect_held(ended, before);
}

TEST_F(Worktrees, where_a_commit_for_each_task_cannot_be_kept_the_plan_says_so) {
  make_repository();
  write_plan(
      "commits: task\ntasks:\n"
      "  - {id: t, run: 'echo 2 >a.txt', isolation: direct, reads: [], writes: [a.txt]}\n");
  const std::string note =
      "`commits: task` makes no commit for `t`: what a task changes is known of the isolations "
      "`view` and `worktree` only";
  const Ended planned = interlock({"plan", "plan.yaml", "--json"});
  EXPECT_THAT(planned.out, HasSubstr(note));
  ASSERT_EQ(shell("git branch interlock").exit, 0);
  const Ended refused = interlock({"run", "plan.yaml"});
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("it has a branch `interlock`"));
  EXPECT_EQ(read("a.txt"), "1\n") << "nothing has run";
  ASSERT_EQ(shell("rm -rf .git").exit, 0);
  const Ended outside = interlock({"plan", "plan.yaml", "--json"});
  EXPECT_THAT(outside.out, HasSubstr("`commits: task` makes no commit here: "));
}

}  // namespace

}  // namespace interlock::e2e
