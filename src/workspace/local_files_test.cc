#include "workspace/local_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workspace/fixture_tree.h"
#include "workspace/recorded_files.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;

std::string matching(plan::Files& files, const TempTree& tree,
                     const std::vector<std::string>& texts) {
  const auto paths = files.matching(tree.root(), patterns(texts));
  return paths ? fmt::format("{}", fmt::join(*paths, " ")) : paths.error().message;
}

std::string matching(const TempTree& tree, const std::vector<std::string>& texts) {
  LocalFiles files;
  return matching(files, tree, texts);
}

TEST(LocalFiles, MatchesRegularFilesSortedByTheBytesOfTheirPaths) {
  TempTree tree;
  tree.write("src/b.md")
      .write("src/a/x.md")
      .write("src/a.md")
      .write("src/a/y.cc")
      .write("src/\xc3\xa9.md")
      .write("other/z.md");
  EXPECT_EQ(matching(tree, {"src/**/*.md"}), "src/a.md src/a/x.md src/b.md src/\xc3\xa9.md");
  EXPECT_EQ(matching(tree, {"**", "!src/**"}), "other/z.md");
  EXPECT_EQ(matching(tree, {"src/a"}), "src/a/x.md src/a/y.cc");
  EXPECT_EQ(matching(tree, {"nothing/**"}), "");
}

TEST(LocalFiles, EntersNoVersionControlAndNoLinkedFolders) {
  TempTree tree;
  tree.write(".git/config").write("sub/.git/config").write("sub/a.md").write("real/b.md");
  fs::create_symlink("real", tree.at("linked"));
  fs::create_symlink("..", tree.at("sub/loop"));
  EXPECT_EQ(matching(tree, {"**"}), "real/b.md sub/a.md");
  EXPECT_EQ(matching(tree, {"linked/*.md"}), "linked/b.md")
      << "a link that is named means the folder behind it";
}

TEST(LocalFiles, MatchesLinksToFilesButNoOtherKinds) {
  TempTree tree;
  tree.write("a.md");
  fs::create_symlink("a.md", tree.at("b.md"));
  fs::create_symlink("gone.md", tree.at("c.md"));
  ASSERT_EQ(::mkfifo(tree.at("d.md").c_str(), 0600), 0);
  EXPECT_EQ(matching(tree, {"*.md"}), "a.md b.md");
}

/// Makes folders in folders below `top` until their path is longer than the system opens: who
/// enters fails.
void make_trap(const std::string& top) {
  const std::string name(200, 'd');
  fs::create_directories(top);
  int folder = ::open(top.c_str(), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 25; ++depth) {
    ASSERT_EQ(::mkdirat(folder, name.c_str(), 0700), 0);
    const int next = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(folder);
    folder = next;
  }
  ::close(folder);
}

TEST(LocalFiles, EntersOnlyFoldersThatCanHoldAMatch) {
  TempTree tree;
  tree.write("src/a.md");
  make_trap(tree.at("src/deep"));
  EXPECT_EQ(matching(tree, {"src/*.md"}), "src/a.md");
  EXPECT_EQ(matching(tree, {"**/*.md", "!src/deep"}), "src/a.md");
  EXPECT_NE(matching(tree, {"**/*.md"}).find("File name too long"), std::string::npos)
      << "the trap works";
}

TEST(LocalFiles, ReadsNoMoreThanIsAllowedAndNothingButFiles) {
  TempTree tree;
  tree.write("a.md", "12345");
  ASSERT_EQ(::mkfifo(tree.at("pipe").c_str(), 0600), 0);
  LocalFiles files;
  EXPECT_EQ(files.read(tree.at("a.md"), 5).value(), "12345");
  EXPECT_EQ(files.read(tree.at("a.md"), 4).error().message,
            fmt::format("cannot read `{}`: it is larger than 4 bytes", tree.at("a.md")));
  EXPECT_EQ(files.read(tree.at("pipe"), 4).error().message,
            fmt::format("cannot read `{}`: it is not a regular file", tree.at("pipe")));
  EXPECT_EQ(files.read(tree.at("b.md"), 4).error().kind, Error::Kind::missing);
}

TEST(LocalFiles, ResolvesFoldersAndNothingElse) {
  TempTree tree;
  tree.write("site/a.md");
  fs::create_symlink("site", tree.at("link"));
  LocalFiles files;
  EXPECT_EQ(files.resolve_folder(tree.at("link/../site/.")).value(), tree.at("site"));
  EXPECT_EQ(files.resolve_folder(tree.at("link")).value(), tree.at("site"));
  EXPECT_EQ(files.resolve_folder(tree.at("site/a.md")).error().message,
            fmt::format("`{}` is not a folder", tree.at("site/a.md")));
  EXPECT_EQ(files.resolve_folder(tree.at("none")).error().kind, Error::Kind::missing);
}

TEST(RecordedFiles, AnswerAsTheRealOnesDidWhateverBecameOfThem) {
  TempTree tree;
  tree.write("a.md", "caf\xe9").write("b\xe9.md");
  LocalFiles local;
  RecordingFiles recording(local);
  const std::string seen = matching(recording, tree, {"*.md"});
  ASSERT_TRUE(recording.read(tree.at("a.md"), 100));
  const Error missing = recording.read(tree.at("none"), 100).error();
  ASSERT_TRUE(recording.resolve_folder(tree.root()));
  tree.write("a.md", "changed").write("c.md");

  RecordedFiles recorded = RecordedFiles::parse(recording.text()).value();
  EXPECT_EQ(matching(recorded, tree, {"*.md"}), seen);
  EXPECT_EQ(recorded.read(tree.at("a.md"), 100).value(), "caf\xe9");
  EXPECT_EQ(recorded.read(tree.at("none"), 100).error(), missing);
  EXPECT_EQ(recorded.resolve_folder(tree.root()).value(), tree.root());
}

TEST(RecordedFiles, WhatWasNotAskedThenIsAnErrorNow) {
  RecordedFiles recorded = RecordedFiles::parse("{}").value();
  EXPECT_EQ(recorded.read("a.md", 5).error().message,
            "the run's record of its files does not know `read 5 a.md`");
  EXPECT_FALSE(RecordedFiles::parse("[]"));
  EXPECT_FALSE(RecordedFiles::parse("{"));
}

}  // namespace
}  // namespace interlock::workspace
