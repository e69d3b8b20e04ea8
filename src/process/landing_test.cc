#include "process/landing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace interlock::process {
namespace {

TEST(Landing, TextIsResolvedWithoutLooking) {
  EXPECT_EQ(as_text("/a//b/./c/../d/"), "/a/b/d");
  EXPECT_EQ(as_text("/../../a"), "/a");
  EXPECT_EQ(as_text("/a/../.."), "/");
  EXPECT_EQ(as_text("/"), "/");
}

class Landings : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ + "/real/deep");
    std::ofstream(folder_ + "/real/file") << "#!/bin/sh\n";
    std::filesystem::create_symlink("real", folder_ + "/relative");
    std::filesystem::create_symlink(folder_ + "/real/deep", folder_ + "/absolute");
    std::filesystem::create_symlink("../file", folder_ + "/real/deep/up");
    std::filesystem::create_symlink("missing/below", folder_ + "/dangling");
    std::filesystem::create_symlink("loop", folder_ + "/loop");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string land(const std::string& path, bool follows = true) const {
    const Landing landing = sight_.land(path, follows);
    const bool inside = landing.path.starts_with(folder_ + "/");
    return inside ? landing.path.substr(folder_.size() + 1) : landing.path;
  }

  const std::string folder_ = std::filesystem::canonical(testing::TempDir()).string() +
                              fmt::format("/landing_{}", ::getpid());
  const Sight sight_{::getpid()};
};

TEST_F(Landings, LinksAreFollowedAsTheKernelWould) {
  EXPECT_EQ(land(folder_ + "/relative/file"), "real/file");
  EXPECT_EQ(land(folder_ + "/absolute/up"), "real/file");
  EXPECT_EQ(land(folder_ + "/absolute/up", false), "real/deep/up");
  EXPECT_EQ(land(folder_ + "/absolute/../file"), "real/file");
  EXPECT_EQ(land(folder_ + "/relative/new"), "real/new");
  EXPECT_EQ(land(folder_ + "/dangling"), "missing/below");
  EXPECT_EQ(land(folder_ + "/dangling", false), "dangling");
  EXPECT_FALSE(land(folder_ + "/loop").empty());
}

TEST_F(Landings, LinksOfProcLeadToTheThingItself) {
  const Fd file(::open((folder_ + "/real/file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(land(fmt::format("/proc/self/fd/{}", file.get())), "real/file");
  EXPECT_EQ(land("/proc/self/root" + folder_ + "/relative/file"), "real/file");
  EXPECT_FALSE(sight_.land("/proc/self/root/tmp", true).elsewhere);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  EXPECT_TRUE(land(fmt::format("/dev/fd/{}", ends[1])).starts_with("pipe:["));
}

TEST_F(Landings, WhatIsThereIsSeen) {
  EXPECT_EQ(sight_.look_at(folder_ + "/real"), Sight::There::folder);
  EXPECT_EQ(sight_.look_at(folder_ + "/real/file"), Sight::There::other);
  EXPECT_EQ(sight_.look_at(folder_ + "/gone"), Sight::There::nothing);
  EXPECT_EQ(sight_.beginning_of(folder_ + "/real/file"), "#!/bin/sh\n");
  EXPECT_EQ(sight_.beginning_of("/dev/zero"), "");
}

}  // namespace
}  // namespace interlock::process
