#include "snapshots/worktree.h"

#include <gtest/gtest.h>

#include "snapshots/fixture.h"
#include "snapshots/git.h"
#include "snapshots/host_check.h"

namespace interlock::snapshots {
namespace {

class WorktreeTest : public AsEither {
 protected:
  /// A repository with a commit, a dirty file, a new one and an ignored one.
  static void fill(const Scene& scene) {
    ASSERT_TRUE(sh(scene.tree.root(), R"sh(
      git init -q -b main .; git config user.name Ann; git config user.email ann@example.org
      printf 1 > a; printf 2 > b; mkdir -p d/deep; printf 3 > d/deep/x; printf '*.log\n' > .gitignore
      printf s > run.sh; chmod 750 run.sh; git add -A; git commit -qm first
      printf dirty > a; printf new > new; printf log > noise.log; printf staged > b; git add b)sh"));
  }
  static std::string git(const Scene& scene, const std::vector<std::string>& arguments) {
    const auto said = Git(scene.tree.root()).line(arguments);
    return said ? *said : said.error().message;
  }
  /// All that is the person's own.
  static std::string persons(const Scene& scene) {
    return git(scene, {"status", "--porcelain"}) + git(scene, {"rev-parse", "HEAD"}) +
           git(scene, {"symbolic-ref", "HEAD"}) + git(scene, {"rev-parse", "main"}) +
           git(scene, {"ls-files", "--stage"}) + listing(scene.tree.root());
  }
};
INTERLOCK_AS_EITHER(WorktreeTest);

TEST_P(WorktreeTest, StandsOnTheCommittedStateAndLeavesThePersonsAlone) {
  live([] {
    Scene scene;
    fill(scene);
    scene.attempt(attempt_of(0), "printf layered > b; rm d/deep/x; printf 'l' > layer");
    scene.commit(attempt_of(0));
    const std::string before = persons(scene);
    const auto opened = scene.open(attempt_of(1), plan::Isolation::worktree);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(sh(opened->folder,
                   "test $(cat a) = dirty; test $(cat new) = new; test $(cat b) = layered; "
                   "test ! -e d/deep/x; test -e layer; test ! -e noise.log; "
                   "test $(git branch --show-current) = interlock/r-1/1"));
    EXPECT_TRUE(sh(opened->folder,
                   "printf 4 > a; rm new; mkdir -p n/e; printf 5 > n/e/w; git add -A; "
                   "git -c user.name=x -c user.email=y commit -qm own; chmod +x b; "
                   "rm run.sh; ln -s a run.sh"));
    const auto harvest = scene.harvest(attempt_of(1));
    EXPECT_EQ(reported(harvest.changes),
              "* a file\n* b file mode 644 to 755\n+ n folder\n+ n/e folder\n+ n/e/w file\n"
              "- new file\n* run.sh file to link mode 750 to 0\n");
    EXPECT_EQ(persons(scene), before);
    scene.commit(attempt_of(1), "r-1/second");
    EXPECT_EQ(persons(scene), before);
    EXPECT_EQ(git(scene, {"log", "-1", "--format=%an: %B", "interlock/r-1/1"}),
              "Ann: r-1/second\n\nInterlock-Run: r-1\nInterlock-Task: second\n");
    EXPECT_EQ(git(scene, {"diff", "--name-status", "interlock/r-1/1~2", "interlock/r-1/1"}),
              "M\ta\nM\tb\nA\tn/e/w\nD\tnew\nT\trun.sh");
    EXPECT_EQ(git(scene, {"worktree", "list", "--porcelain"}).find("views"), std::string::npos);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_TRUE(sh(scene.tree.root(),
                   "test $(cat a) = 4; test ! -e new; test $(cat n/e/w) = 5; "
                   "test -x b; test $(readlink run.sh) = a; test ! -e d/deep/x"));
  });
}

TEST_P(WorktreeTest, DiscardedItLeavesNeitherFolderNorBranch) {
  live([] {
    Scene scene;
    fill(scene);
    ASSERT_TRUE(scene.open(attempt_of(1), plan::Isolation::worktree));
    scene.snapshots().discard(attempt_of(1));
    ASSERT_TRUE(scene.open(attempt_of(2), plan::Isolation::worktree));
    scene.restart();  // The dispatcher died with it open.
    ASSERT_TRUE(scene.snapshots().recover({}, {}));
    ASSERT_TRUE(scene.open(attempt_of(3), plan::Isolation::worktree));
    scene.harvest(attempt_of(3));
    scene.commit(attempt_of(3));  // It changed nothing.
    EXPECT_EQ(git(scene, {"branch", "--format=%(refname:short)"}), "main");
    EXPECT_EQ(git(scene, {"worktree", "list", "--porcelain"}).find("views"), std::string::npos);
  });
}

TEST_P(WorktreeTest, ItsCheckRunsOnWhatItLeft) {
  live([] {
    Scene scene;
    fill(scene);
    const auto opened = scene.open(attempt_of(1), plan::Isolation::worktree);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(sh(opened->folder, "printf mine > a"));
    scene.harvest(attempt_of(1));
    scene.attempt(attempt_of(0), "printf other > b");
    scene.commit(attempt_of(0));
    for (const std::uint32_t phase : {1u, 2u}) {
      const auto check = scene.open({TaskId(1), 1, phase}, plan::Isolation::worktree);
      ASSERT_TRUE(check);
      EXPECT_TRUE(sh(check->folder, fmt::format("test $(cat a) = mine; test $(cat b) = {}; rm a",
                                                phase == 1 ? "staged" : "other")));
      scene.snapshots().discard({TaskId(1), 1, phase});
    }
    scene.commit(attempt_of(1));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a"), "mine");
  });
}

TEST_P(WorktreeTest, OneCommitATaskGoesOnABranchOfTheRun) {
  live([] {
    Scene scene;
    fill(scene);
    scene.restart({.commit_per_task = true, .task_ids = {"one", "two"}, .before_step = {}});
    const std::string before = persons(scene);
    scene.attempt(attempt_of(0),
                  "printf x > a; printf l > other.log; printf n > 'odd\nname'; mkdir empty");
    scene.commit(attempt_of(0), "r-1/one");
    scene.attempt(attempt_of(1), "printf l > more.log");
    scene.commit(attempt_of(1), "r-1/two");
    scene.attempt(attempt_of(2), "rm d/deep/x");
    scene.commit(attempt_of(2), "r-1/three");
    EXPECT_EQ(persons(scene), before);
    EXPECT_EQ(git(scene, {"log", "--format=%s %(trailers:key=Interlock-Task,separator=%x2C)",
                          "interlock/r-1"}),
              "r-1/three Interlock-Task: three\nr-1/one Interlock-Task: one\nfirst ");
    EXPECT_EQ(
        git(scene, {"-c", "core.quotePath=true", "diff", "--name-status", "main", "interlock/r-1"}),
        "M\ta\nD\td/deep/x\nA\t\"odd\\nname\"");
  });
}

TEST_P(WorktreeTest, OutsideOfARepositoryItIsRefused) {
  live([] {
    Scene scene;
    const auto refused = scene.snapshots().open(
        {.name = attempt_of(0), .isolation = plan::Isolation::worktree, .writable = {}});
    EXPECT_EQ(
        refused.error().message,
        fmt::format("cannot make a worktree: `{}` is in no git repository", scene.tree.root()));
    EXPECT_EQ(refused.error().hint, "choose the isolation `view`, or `git init` there");
  });
}

TEST(HostCheck, WhatSnapshotsNeedIsAskedFor) {
  Scene scene;
  const auto why = [&](plan::Isolation isolation, const std::string& state) {
    const auto can = can_open(isolation, scene.tree.root(), state);
    return can ? std::string() : can.error().hint;
  };
  EXPECT_EQ(why(plan::Isolation::direct, scene.tree.at("state")), "");
  EXPECT_EQ(why(plan::Isolation::guard, scene.tree.at("state")), "");
  EXPECT_EQ(why(plan::Isolation::view, scene.tree.at("not/made/yet")),
            "choose one outside the workspace with `--state`");
  EXPECT_EQ(why(plan::Isolation::view, scene.state.at("not/made/yet")), "");
  EXPECT_EQ(why(plan::Isolation::worktree, scene.state.root()),
            "choose the isolation `view`, or `git init` there");
}

TEST(HostCheck, UppersOnAnOverlayAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts one for its own process";
  EXPECT_TRUE(in_child([] {
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    Scene scene;
    ASSERT_TRUE(sh(scene.state.root(), "mkdir lower upper work merged"));
    const std::string options =
        fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", scene.state.root());
    const std::string merged = scene.state.at("merged");
    if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) return;
    const auto refused = can_open(plan::Isolation::view, scene.tree.root(), merged);
    EXPECT_EQ(refused.error().message,
              fmt::format("cannot keep snapshots in `{}`: it lies on an overlay itself", merged));
    ::umount2(merged.c_str(), MNT_DETACH);
  }));
}

TEST(HostCheck, AFileOfSomebodyElseIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  Scene scene;
  scene.tree.write("d/theirs");
  const std::string place = scene.tree.at("d/theirs");
  ASSERT_EQ(::chown(scene.tree.root().c_str(), kSomeUser, kSomeUser), 0);
  ASSERT_EQ(::chown(scene.tree.at("d").c_str(), kSomeUser, kSomeUser), 0);
  ASSERT_EQ(::chown(place.c_str(), kSomeUser, 0), 0);
  EXPECT_TRUE(can_open(plan::Isolation::view, scene.tree.root(), scene.state.root()));
  const std::string wanted = fmt::format(
      "cannot make snapshots of the workspace: `{}` is owned by 1001:0, not by you (1001:1001)",
      place);
  ::chmod(scene.state.root().c_str(), 0755);
  EXPECT_TRUE(as_user([&] {
    const auto refused = can_open(plan::Isolation::view, scene.tree.root(), scene.state.root());
    EXPECT_EQ(refused.error().message, wanted);
  }));
  ::chown(place.c_str(), kSomeUser, kSomeUser);
  EXPECT_TRUE(as_user([&] {
    EXPECT_TRUE(can_open(plan::Isolation::view, scene.tree.root(), scene.state.root()));
  }));
}

}  // namespace
}  // namespace interlock::snapshots
