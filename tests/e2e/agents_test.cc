#include <gmock/gmock.h>

#include <unistd.h>
#include <csignal>
#include <filesystem>

#include "e2e/isolation_harness.h"

// Eight agents in one git repository, several of them in the same files: at once, killed twice and
// resumed, they leave the tree that one after the other would have left.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

/// An agent is a function of what it reads. `$1` is its number.
constexpr const char* kAgent = R"sh(#!/bin/sh
set -eu
n=$1
# Reads: its own folder, the folder of its neighbour, and two files that all share.
seen=$(cat shared/log shared/ledger "mod$n"/*.txt "mod$(( (n + 1) % 8 ))"/f1.txt | cksum)
[ -e "flags/$(( (n + 7) % 8 ))" ] && seen="$seen after its neighbour"
IFS= read -r go <"$GO" || true
# Writes: much in its own folder, a line in the log, and a change of the ledger.
for f in "mod$n"/*.txt; do echo "$n saw $seen" >>"$f"; done
rm "mod$n/f3.txt"
mv "mod$n/f4.txt" "mod$n/renamed.txt"
mkdir -p "mod$n/new/deep" flags
echo "$seen" >"mod$n/new/deep/made by $n"
ln -s ../f1.txt "mod$n/new/link"
chmod +x "mod$n/f5.txt"
: >"flags/$n"
[ $((n % 3)) = 0 ] || echo "$n $seen" >>shared/log
if [ $((n % 4)) = 1 ]; then sed "s/^row $n .*/row $n taken, $seen/" shared/ledger >shared/l && cat shared/l >shared/ledger && rm shared/l; fi
[ "$n" != 6 ] || { rm -r mod6/f6.txt; mkdir mod6/f6.txt; echo now a folder >mod6/f6.txt/inside; }
)sh";

class Agents : public Isolated {
 protected:
  void SetUp() override { need("view"); }

  /// A repository of some thousands of files.
  void make_repository(const std::string& folder) {
    const Ended made = shell("mkdir -p " + folder + " && cd " + folder + R"( && set -e
      git init -q . && git config user.email a@b.c && git config user.name a
      mkdir shared
      echo start >shared/log
      i=0; while [ $i -lt 40 ]; do echo "row $i free"; i=$((i+1)); done >shared/ledger
      for m in 0 1 2 3 4 5 6 7; do mkdir mod$m; i=0; while [ $i -lt 8 ]; do echo "$m $i" >mod$m/f$i.txt; i=$((i+1)); done; done
      for d in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do mkdir -p src/d$d; done
      i=0; while [ $i -lt 2500 ]; do echo "file $i" >src/d$((i % 25))/s$i.c; i=$((i+1)); done
      git add -A && git commit -qm start)");
    ASSERT_EQ(made.exit, 0) << made.err;
    write(folder + "/agent.sh", kAgent);
    ASSERT_EQ(shell("chmod +x " + folder + "/agent.sh && cd " + folder +
                    " && git add -A && git commit -qm agent")
                  .exit,
              0);
  }

  std::string plan(const std::string& isolation) const {
    std::string text = "defaults: {isolation: " + isolation + ", env: {GO: \"" + folder() +
                       "/go\"}}\nlimits: {parallel: 8}\ntasks:\n";
    for (int n = 0; n < 8; ++n)
      text += "  - {id: agent-" + std::to_string(n) + ", run: [./agent.sh, \"" + std::to_string(n) +
              "\"]}\n";
    return text;
  }

  /// Everything that is in a folder, but for git's own: paths, modes, bytes, targets.
  std::string tree(const std::string& folder) {
    const Ended listed =
        shell("cd " + folder +
              " && find . -path ./.git -prune -o -printf '%p %m %y %l\\n' | sort && "
              "find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum");
    EXPECT_EQ(listed.exit, 0) << listed.err;
    return listed.out;
  }
};

TEST_F(Agents, at_once_killed_twice_and_resumed_they_leave_the_tree_of_one_by_one) {
  make_repository("one");
  make_repository("all");
  write_plan(plan("view") + "", "one/plan.yaml");
  write_plan(plan("view") + "", "all/plan.yaml");
  {
    NamedPipe go(folder() + "/go");
    go.ring(50);
    const Ended one =
        interlock({"run", "one/plan.yaml", "--pattern", "sequential", "--face", "lines"});
    ASSERT_EQ(one.exit, 0) << one.err;
  }
  for (int kill = 0; kill < 2; ++kill) {
    NamedPipe go(folder() + "/go");
    Running run = kill == 0
                      ? start({"run", "all/plan.yaml", "--pattern", "parallel", "--face", "lines"})
                      : start({"resume", "--face", "lines"});
    run.until_it_says("started     agent-7");
    go.ring(kill == 0 ? 3 : 8);
    run.until_it_says("done");
    run.send(SIGKILL);
    run.wait();
  }
  NamedPipe go(folder() + "/go");
  go.ring(80);
  const Ended ended = interlock({"resume", "--face", "lines"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(tree("all"), tree("one"));
  EXPECT_EQ(shell("cd all && git worktree list | wc -l; git branch | wc -l; git stash list").out,
            "1\n1\n");
  EXPECT_NE(at(json_of({"show", "last"}), "/tasks/7/conflicts"), "0") << "they did meet";
  expect_nothing_left();
}

TEST_F(Agents, with_a_git_commit_for_each_task_the_branch_has_them_in_plan_order) {
  make_repository("all");
  write_plan("commits: task\n" + plan("view"), "all/plan.yaml");
  write("all/shared/ledger", "a dirty tree\n");
  NamedPipe go(folder() + "/go");
  go.ring(80);
  const Ended ended = interlock({"run", "all/plan.yaml", "--pattern", "parallel"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const std::string run = at(json_of({"show", "last"}), "/run");
  const Ended log = shell(
      "cd all && git log --reverse --format='%s|%(trailers:key=Interlock-Task,"
      "valueonly,separator=)' master..interlock/" +
      run +
      " 2>/dev/null || git log "
      "--reverse --format='%s|%(trailers:key=Interlock-Task,valueonly,separator=)' "
      "main..interlock/" +
      run);
  EXPECT_EQ(log.exit, 0) << log.err;
  for (int n = 0; n < 8; ++n) EXPECT_THAT(log.out, HasSubstr("|agent-" + std::to_string(n) + "\n"));
  EXPECT_EQ(shell("cd all && git show interlock/" + run + ":shared/log").out,
            read("all/shared/log"));
}

TEST_F(Agents, in_worktrees_the_persons_checkout_index_and_branch_stay_as_they_are) {
  make_repository("all");
  write_plan(plan("worktree"), "all/plan.yaml");
  write("all/untracked", "not yet added\n");
  const std::string before = shell("cd all && git rev-parse HEAD && git status --porcelain").out;
  {
    NamedPipe go(folder() + "/go");
    Running run = start({"run", "all/plan.yaml", "--pattern", "parallel", "--face", "lines"});
    run.until_it_says("started     agent-7");
    EXPECT_EQ(shell("cd all && git rev-parse HEAD && git status --porcelain").out, before);
    go.ring(80);
    const Ended ended = run.wait();
    ASSERT_EQ(ended.exit, 0) << ended.err;
  }
  EXPECT_EQ(shell("cd all && git worktree list | wc -l").out, "1\n");
  EXPECT_EQ(shell("cd all && git branch --list 'interlock/*' | wc -l").out, "8\n");
  make_repository("one");
  write("one/untracked", "not yet added\n");
  write_plan(plan("worktree"), "one/plan.yaml");
  NamedPipe go(folder() + "/go");
  go.ring(50);
  ASSERT_EQ(interlock({"run", "one/plan.yaml", "--pattern", "sequential"}).exit, 0);
  EXPECT_EQ(tree("all"), tree("one"));
  expect_nothing_left();
}

TEST_F(Agents, as_an_ordinary_user_too) {
  if (::geteuid() != 0) GTEST_SKIP() << "every test here runs as an ordinary user already";
  make_repository("one");
  make_repository("all");
  write_plan(plan("view"), "one/plan.yaml");
  write_plan(plan("view"), "all/plan.yaml");
  ASSERT_EQ(shell("chmod 755 .. && chown -R 1001:1001 . ../state 2>/dev/null; mkdir -p ../state && "
                  "chown 1001:1001 . .. ../state")
                .exit,
            0);
  const std::string as_user =
      "setpriv --reuid=1001 --regid=1001 --clear-groups env HOME=" + folder() + " $INTERLOCK ";
  const Ended able = shell(as_user + "doctor --json --state ../state/u");
  if (able.out.find("\"isolation\": \"view\"") == std::string::npos &&
      able.out.find("\"isolation\":\"view\"") == std::string::npos)
    GTEST_SKIP() << "an ordinary user cannot even run here: " << able.err;
  NamedPipe go(folder() + "/go");
  ASSERT_EQ(shell("chown 1001:1001 ../go").exit, 0);
  go.ring(60);
  const Ended one = shell(as_user + "run one/plan.yaml --pattern sequential --state ../state/u");
  ASSERT_EQ(one.exit, 0) << one.err;
  go.ring(60);
  const Ended all = shell(as_user + "run all/plan.yaml --pattern parallel --state ../state/u");
  ASSERT_EQ(all.exit, 0) << all.err;
  EXPECT_EQ(tree("all"), tree("one"));
  expect_nothing_left();
}

}  // namespace

}  // namespace interlock::e2e
