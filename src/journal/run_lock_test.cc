#include "journal/run_lock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace interlock::journal {
namespace {

namespace fs = std::filesystem;

class RunLockTest : public testing::Test {
 protected:
  RunLockTest() {
    std::string name = (fs::temp_directory_path() / "interlock-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    fs::create_directories(workspace());
  }
  ~RunLockTest() override { fs::remove_all(root_); }

  std::string state() const { return root_ + "/state"; }
  std::string workspace() const { return root_ + "/site"; }

  std::string root_;
  const Holder ann_{"r-20261123-7f3a", "review", ::getpid(), "box",
                    Time(std::chrono::seconds(1'700'000'000))};
};

constexpr std::string_view kHolding =
    "run `r-20261123-7f3a` of plan `review` (process {} on box, since 2023-11-14T22:13:20.000Z)";

TEST_F(RunLockTest, ASecondDispatcherOfARunIsToldWhoHoldsIt) {
  const auto first = lock_run(state(), ann_);
  ASSERT_TRUE(first);
  const auto second = lock_run(state(), ann_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Error::Kind::refused);
  EXPECT_EQ(second.error().message,
            "run `r-20261123-7f3a` is held by " + fmt::format(fmt::runtime(kHolding), ::getpid()));
  EXPECT_EQ(second.error().hint, "wait for it, or end it with `interlock cancel r-20261123-7f3a`");
}

TEST_F(RunLockTest, ARunIsFreeAgainWhenItsHoldGoes) {
  {
    ASSERT_TRUE(lock_run(state(), ann_));
  }
  EXPECT_FALSE(holder_of_run(state(), ann_.run));
  EXPECT_TRUE(lock_run(state(), ann_));
}

TEST_F(RunLockTest, AskingWhoHoldsARunTakesNothing) {
  EXPECT_FALSE(holder_of_run(state(), ann_.run));
  const auto run_lock = lock_run(state(), ann_);
  ASSERT_TRUE(run_lock);
  EXPECT_EQ(holder_of_run(state(), ann_.run), ann_);
}

TEST_F(RunLockTest, TwoRunsInOneWorkspaceAreRefusedAndNoFileIsMadeInIt) {
  const auto first = lock_workspace(state(), workspace(), ann_);
  ASSERT_TRUE(first);
  const auto second = lock_workspace(state(), workspace(), ann_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, fmt::format("the workspace `{}` is held by ", workspace()) +
                                        fmt::format(fmt::runtime(kHolding), ::getpid()));
  EXPECT_TRUE(fs::is_empty(workspace()));
}

TEST_F(RunLockTest, AHolderWithAnotherStateFolderIsNamedByItsProcess) {
  const auto first = lock_workspace(root_ + "/other", workspace(), ann_);
  ASSERT_TRUE(first);
  const auto second = lock_workspace(state(), workspace(), ann_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            fmt::format("the workspace `{}` is held by process {}", workspace(), ::getpid()));
}

TEST_F(RunLockTest, ADeadHolderHoldsNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto run = lock_run(state(), ann_);
    const auto place = lock_workspace(state(), workspace(), ann_);
    ::_exit(run && place ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(lock_run(state(), ann_));
  EXPECT_TRUE(lock_workspace(state(), workspace(), ann_));
}

TEST_F(RunLockTest, LetsAHolderSayLaterWhichRunItIsFor) {
  const auto first = lock_workspace(state(), workspace(), {{}, "p", ::getpid(), "host", {}});
  ASSERT_TRUE(first);
  const auto before = lock_workspace(state(), workspace(), ann_);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().hint, "wait until it has ended");
  ASSERT_TRUE(note_workspace_holder(state(), workspace(), ann_));
  const auto after = lock_workspace(state(), workspace(), ann_);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().hint,
            "`interlock run --wait-for-workspace` waits for it, `interlock cancel " + ann_.run +
                "` ends it");
}

}  // namespace
}  // namespace interlock::journal
