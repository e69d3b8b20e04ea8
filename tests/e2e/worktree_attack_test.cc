#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "e2e/isolation_harness.h"
#include "e2e/worktree_attacks.h"

// Ways by which a task in a worktree would have git run its own programs outside of the sandbox: at
// harvest, at commit, when its changes come into the workspace, or in what is done after it.
// docs/isolation.md lists exactly these.
namespace interlock::e2e {

namespace {

/// Sets up what a person has, for each attack, and lets one task a time do its worst; twice, for in
/// the second run the workspace holds what the tasks of the first one left there.
class WorktreeAttacks : public Isolated {
 protected:
  void set_up_repository() {
    const std::string begin = R"(set -e
git init -q -b main .; git config user.name a; git config user.email a@b.c
up=$PWD; mkdir -m 777 ../proofs
each() { id=$1; here=$up/$1; leak="touch $up/../proofs/$1; cat"; mkdir $here; cd $here; echo 1 >file; }
)";
    std::string script = begin;
    std::string plan = "commits: task\nlimits: {parallel: 2, min_saving: 0s}\ntasks:\n";
    for (const WorktreeAttack& attack : worktree_attacks()) {
      script += "each " + attack.id + "\n" + attack.found + "\ncd $up\n";
      write("do/" + attack.id, R"(up=$PWD; persons=$1; id=)" + attack.id + R"(
proof=$persons/../proofs/$id; leak="touch $proof; cat"; cd $id
put() { printf '#!/bin/sh\ntouch %s\nexec cat\n' $proof >$1; chmod +x $1; }
could() { : >$up/could-$id; }
)" + attack.done + "\ncat ../round >file\n");
      plan += fmt::format("  - {{id: {0}, isolation: worktree, run: [sh, {1}/do/{0}, {1}]}}\n",
                          attack.id, workspace());
    }
    write("round", "2\n");
    write_plan(plan);
    // The person's own git runs none of it either: that would be no attack.
    script +=
        "git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c commit.gpgSign=false add -A\n"
        "git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c commit.gpgSign=false commit "
        "-qm first\n"
        "rm -f ../proofs/*\n";
    write("../set-up.sh", script);
    const Ended made = shell("sh ../set-up.sh");
    ASSERT_EQ(made.exit, 0) << made.err;
  }
  std::string repository() {
    return shell(
               "find .git -path .git/objects -prune -o -type f -print0 | sort -z | "
               "xargs -0 sha256sum; git for-each-ref --format='%(refname) %(objectname)' | "
               "grep -v refs/heads/interlock/")
        .out;
  }
  /// `as`: words before the command, for somebody else.
  void expect_all_held(const std::string& as) {
    const std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin";
    const std::string run = as + " env PATH=" + workspace() + "/program-git/bin:" + path +
                            " $INTERLOCK run plan.yaml --fresh --face lines --state ../state/u";
    for (const char* round : {"2", "3"}) {
      write("round", std::string(round) + "\n");
      const std::string before = repository();
      const Ended ended = shell(run);
      ASSERT_EQ(ended.exit, 0) << ended.out << ended.err;
      for (const WorktreeAttack& attack : worktree_attacks()) {
        EXPECT_EQ(read(attack.id + "/file"), std::string(round) + "\n") << attack.id;
        EXPECT_FALSE(exists("../proofs/" + attack.id)) << attack.id << " was run, round " << round;
        EXPECT_FALSE(exists("could-" + attack.id))
            << attack.id << " changed the person's repository";
      }
      const Ended gone = shell(
          "for b in $(git for-each-ref --format='%(refname)' refs/heads/interlock); do "
          "git -c core.hooksPath=/dev/null update-ref -d $b; done; "
          "rm -rf .git/refs/heads/interlock .git/logs/refs/heads/interlock");
      EXPECT_EQ(gone.exit, 0) << gone.err;
      EXPECT_EQ(repository(), before);
    }
  }
};

TEST_F(WorktreeAttacks, as_this_user) {
  set_up_repository();
  need("worktree");
  if (IsSkipped()) return;
  expect_all_held("");
}

TEST_F(WorktreeAttacks, as_an_ordinary_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "every test here runs as an ordinary user already";
  set_up_repository();
  need("worktree");
  if (IsSkipped()) return;
  ASSERT_EQ(shell("mkdir -p ../state; chmod 755 ..; chown -R 1001:1001 . ../state ../proofs; "
                  "chown 1001:1001 ..")
                .exit,
            0);
  environment()["GIT_CONFIG_COUNT"] = "1";  // For the test's own git alone.
  environment()["GIT_CONFIG_KEY_0"] = "safe.directory";
  environment()["GIT_CONFIG_VALUE_0"] = "*";
  const std::string as_user =
      "setpriv --reuid=1001 --regid=1001 --clear-groups env HOME=" + folder();
  const Ended tried = shell(as_user + " $INTERLOCK doctor --state ../state/u");
  if (tried.exit >= 126) GTEST_SKIP() << "an ordinary user cannot even run here: " << tried.err;
  expect_all_held(as_user);
}

TEST_F(WorktreeAttacks, settings_that_include_a_file_of_the_workspace_are_refused) {
  const Ended made = shell(R"(git init -q -b main . && git config user.name a &&
    git config user.email a@b.c && echo 1 >a && git add -A && git commit -qm first)");
  ASSERT_EQ(made.exit, 0) << made.err;
  need("worktree");
  if (IsSkipped()) return;
  ASSERT_EQ(shell("git config include.path ../settings").exit, 0);
  write_plan("tasks: [{id: t, isolation: worktree, run: 'echo 2 >a'}]\n");
  const Ended refused = interlock({"run", "plan.yaml"});
  EXPECT_NE(refused.exit, 0);
  EXPECT_THAT(refused.err, ::testing::HasSubstr("/work/settings`, which tasks can write"));
  EXPECT_EQ(read("a"), "1\n") << "nothing has run";
}

}  // namespace

}  // namespace interlock::e2e
