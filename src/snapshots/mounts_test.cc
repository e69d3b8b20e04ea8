#include "snapshots/mounts.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "snapshots/fixture.h"
#include "snapshots/host_check.h"

namespace interlock::snapshots {
namespace {

constexpr const char* kMountInfo =
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "30 22 0:21 / /ws rw - tmpfs none rw\n"
    "31 30 0:22 / /ws/node_modules rw shared:3 - tmpfs none rw\n"
    "32 30 0:23 / /ws/a\\040b\\134c rw - tmpfs none rw\n"
    "33 31 0:22 / /ws/node_modules rw - tmpfs none rw\n"
    "34 22 0:24 / /wsx rw - tmpfs none rw\n"
    "torn";

TEST(Mounts, AreThoseStrictlyBelowEachOnce) {
  EXPECT_EQ(mounts_below("/ws", kMountInfo), (std::vector<std::string>{"a b\\c", "node_modules"}));
  EXPECT_EQ(mounts_below("/ws/node_modules", kMountInfo), std::vector<std::string>{});
  EXPECT_EQ(mounts_below("/", kMountInfo).size(), 4U);
}

/// Runs in a mount namespace that ends with it; false: there is none to be had.
bool with_mounts_of_its_own(const std::function<void()>& body) {
  constexpr int kCannot = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      ::_exit(kCannot);
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kCannot) return false;
  EXPECT_EQ(status, 0) << "see what was printed above";
  return true;
}

TEST(Mounts, AWorkspaceWithOneInItHasNoSnapshots) {
  workspace::TempTree tree, state;
  tree.write("vol/under", "u");
  EXPECT_TRUE(can_open(plan::Isolation::view, tree.root(), state.root()));
  const bool was_possible = with_mounts_of_its_own([&] {
    ASSERT_EQ(::mount("none", tree.at("vol").c_str(), "tmpfs", 0, nullptr), 0);
    const auto refused = can_open(plan::Isolation::view, tree.root(), state.root());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "cannot make snapshots of the workspace: something is mounted in it, at `vol`, and a "
              "snapshot would show what lies below");
    EXPECT_TRUE(can_open(plan::Isolation::guard, tree.root(), state.root()));
  });
  if (!was_possible) GTEST_SKIP() << "mounts need root";
}

TEST(Mounts, NothingIsFoldedBelowOneThatCameMeanwhile) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounts need root";
  const bool was_possible = with_mounts_of_its_own([] {
    Scene scene;
    scene.tree.write("vol/under", "u");
    scene.attempt(attempt_of(0), "echo new > vol/new; echo a > a");
    scene.commit(attempt_of(0));
    ASSERT_EQ(::mount("none", scene.tree.at("vol").c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_FALSE(scene.snapshots().open({.name = attempt_of(1),
                                         .isolation = plan::Isolation::view,
                                         .footprint = &scene.nothing_known,
                                         .writable = {}}));
    EXPECT_EQ(scene.checkpoint(), "vol/new\n");
    EXPECT_FALSE(std::filesystem::exists(scene.tree.at("vol/new")));
    EXPECT_FALSE(std::filesystem::exists(scene.tree.at("a"))) << "all or nothing";
    ASSERT_EQ(::umount(scene.tree.at("vol").c_str()), 0);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_TRUE(std::filesystem::exists(scene.tree.at("vol/new")));
  });
  EXPECT_TRUE(was_possible);
}

}  // namespace
}  // namespace interlock::snapshots
