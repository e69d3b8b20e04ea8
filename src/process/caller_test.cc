#include "process/caller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "process/foreign_path.h"
#include "support/made_up_files.h"

namespace interlock::process {
namespace {

using Kind = ForeignPath::Kind;

/// This process asks about itself.
class CallerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/real/deep");
    std::ofstream(folder_ + "/real/file") << "#!/bin/sh\n";
    std::filesystem::create_symlink("real", folder_ + "/relative");
    std::filesystem::create_symlink(folder_ + "/real/deep", folder_ + "/absolute");
    std::filesystem::create_symlink("../file", folder_ + "/real/deep/up");
    std::filesystem::create_symlink("missing/below", folder_ + "/dangling");
    std::filesystem::create_symlink("loop", folder_ + "/loop");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string in_words(const ForeignPath& landed) const {
    switch (landed.kind) {
      case Kind::path: break;
      case Kind::deleted: return "deleted";
      case Kind::nowhere: return "nowhere";
      case Kind::unknown: return "unknown: " + landed.why;
    }
    const bool inside = landed.path.starts_with(folder_ + "/");
    return inside ? landed.path.substr(folder_.size() + 1) : landed.path;
  }
  std::string land(const std::string& path, bool follows = true) const {
    return in_words(caller_.land(path, follows));
  }

  const std::string folder_ = std::filesystem::canonical(testing::TempDir()).string() +
                              fmt::format("/caller_{}", ::getpid());
  const std::string root_ = *Caller::root_of(::getpid());
  const Caller caller_{::getpid(), root_};
};

TEST_F(CallerTest, LinksAreFollowedAsTheKernelWould) {
  EXPECT_EQ(land(folder_ + "/relative/file"), "real/file");
  EXPECT_EQ(land(folder_ + "/absolute/up"), "real/file");
  EXPECT_EQ(land(folder_ + "/absolute/up", false), "real/deep/up");
  EXPECT_EQ(land(folder_ + "/absolute/../file"), "real/file");
  EXPECT_EQ(land(folder_ + "/relative/new"), "real/new");
  EXPECT_EQ(land(folder_ + "/dangling"), "missing/below");
  EXPECT_EQ(land(folder_ + "/dangling", false), "dangling");
  EXPECT_EQ(land(folder_ + "/loop"), "nowhere");
}

TEST_F(CallerTest, LinksOfProcLeadToTheThingItself) {
  const sys::Descriptor file(::open((folder_ + "/real/file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(land(fmt::format("/proc/self/fd/{}", file.get())), "real/file");
  EXPECT_EQ(land("/proc/self/root" + folder_ + "/relative/file"), "real/file");
  EXPECT_FALSE(caller_.land("/proc/self/root/tmp", true).elsewhere);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const sys::Descriptor reader(ends[0]);
  const sys::Descriptor writer(ends[1]);
  EXPECT_EQ(land(fmt::format("/dev/fd/{}", ends[1])), "nowhere");
  EXPECT_EQ(land(fmt::format("/proc/self/fd/{}/../x", ends[1])), "nowhere");
}

TEST_F(CallerTest, WhatIsThereIsSeen) {
  using There = ForeignFiles::There;
  EXPECT_EQ(caller_.look_at(folder_ + "/real"), There::folder);
  EXPECT_EQ(caller_.look_at(folder_ + "/real/file"), There::other);
  EXPECT_EQ(caller_.look_at(folder_ + "/gone"), There::nothing);
  EXPECT_EQ(caller_.beginning_of(folder_ + "/real/file"), "#!/bin/sh\n");
  EXPECT_EQ(caller_.beginning_of("/dev/zero"), "");
}

TEST_F(CallerTest, AFolderIsBelievedOnlyWhenItIsWhereItsTextSays) {
  const auto open = [&](const std::string& name) {
    return sys::Descriptor(
        ::open((folder_ + "/" + name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  };
  const sys::Descriptor real = open("real");
  EXPECT_EQ(in_words(caller_.folder(real.get())), "real");
  EXPECT_EQ(in_words(caller_.folder(9999)), "nowhere");
  EXPECT_EQ(in_words(caller_.folder(-7)), "nowhere");
  const sys::Descriptor deep = open("real/deep");
  std::filesystem::remove_all(folder_ + "/real/deep");
  EXPECT_EQ(in_words(caller_.folder(deep.get())), "deleted");
  std::filesystem::create_directories(folder_ + "/real/deep");
  EXPECT_EQ(in_words(caller_.folder(deep.get())), "deleted") << "another has its name";
  std::filesystem::create_directories(folder_ + "/named (deleted)");
  const sys::Descriptor named = open("named (deleted)");
  EXPECT_EQ(in_words(caller_.folder(named.get())), "named (deleted)");
}

TEST_F(CallerTest, TheRootOfAChrootIsTakenOffWhereTheTextHasIt) {
  // As in a chroot with mounts of its own: there is `/` what here is the folder.
  const sys::Descriptor real(::open((folder_ + "/real").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string wrong = "/no/such/root";
  EXPECT_EQ(in_words(Caller(::getpid(), wrong).folder(real.get())), "real")
      << "the text is not below it, and is right as it is";
  EXPECT_TRUE(in_words(Caller(::getpid(), folder_).folder(real.get())).starts_with("real"))
      << "`/real` is nothing here, and the whole text is";
}

TEST_F(CallerTest, AProcessThatIsGoneIsOutOfSight) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(Caller::root_of(child));
  const Caller gone(child, root_);
  EXPECT_TRUE(in_words(gone.folder(AT_FDCWD)).starts_with("unknown: "));
  EXPECT_TRUE(in_words(gone.folder(3)).starts_with("unknown: "));
  EXPECT_TRUE(in_words(gone.land("/tmp/x", true)).starts_with("unknown: "));
}

/// What the kernel says of a path; empty: that nothing is there.
std::string by_kernel(const std::string& path) {
  const sys::Descriptor there(::open(path.c_str(), O_PATH | O_CLOEXEC));
  std::array<char, PATH_MAX> text;
  const ssize_t length = there ? ::readlink(fmt::format("/proc/self/fd/{}", there.get()).c_str(),
                                            text.data(), text.size())
                               : -1;
  return length < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(length));
}

TEST_F(CallerTest, RandomPathsLeadWhereTheKernelSays) {
  const std::vector<std::string> names = {"real",     "deep", "file", "relative",
                                          "absolute", "up",   "..",   ".",
                                          "dangling", "loop", "",     "\xff"};
  std::ofstream(folder_ + "/\xff") << "x";
  const sys::Descriptor real(::open((folder_ + "/real").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::mt19937 engine(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string path = i % 3 == 0 ? fmt::format("/proc/self/fd/{}", real.get()) : folder_;
    for (auto left = engine() % 7; left > 0; --left) path += "/" + names[engine() % names.size()];
    const std::string expected = by_kernel(path);
    const ForeignPath landed = caller_.land(path, true);
    if (!expected.empty()) {
      ASSERT_EQ(landed.path, expected) << path;
    }
    ASSERT_EQ(flaw_of(landed), "") << path;
  }
}

TEST_F(CallerTest, FoldersThatAreRenamedMeanwhileAreFoundOrUnknown) {
  const sys::Descriptor moving(
      ::open((folder_ + "/real").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::atomic<bool> stop = false;
  std::thread mover([&] {
    while (!stop) {
      ::rename((folder_ + "/real").c_str(), (folder_ + "/other").c_str());
      ::rename((folder_ + "/other").c_str(), (folder_ + "/real").c_str());
    }
  });
  for (int i = 0; i < 5'000; ++i) {
    const std::string found = in_words(caller_.folder(moving.get()));
    EXPECT_TRUE(found == "real" || found == "other" || found.starts_with("unknown")) << found;
    caller_.land(folder_ + "/relative/deep/../deep/up", true);
  }
  stop = true;
  mover.join();
}

}  // namespace
}  // namespace interlock::process
