#include "process/landlock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace interlock::process {
namespace {

constexpr int kAbi = 5;
constexpr unsigned long kRead = 1 | 4 | 8;
constexpr unsigned long kList = 8;

class LandlockRules : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ + "/ws/src");
    std::filesystem::create_directories(folder_ + "/beside");
    std::filesystem::create_symlink("ws", folder_ + "/link");
    std::ofstream(folder_ + "/ws/file") << "x";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Those at or below the folder, and `/`.
  std::string rules(const engine::Sandbox& sandbox) const {
    std::string lines;
    for (const LandlockRule& rule : landlock_rules(sandbox, kAbi)) {
      const std::string path = rule.path + (rule.below.empty() ? "" : "/" + rule.below);
      const bool below = path.starts_with(folder_ + "/");
      if (!below && path != "/") continue;
      const unsigned long rights = rule.allowance.folder;
      const char* const means = rights == kRead ? "read" : rights == kList ? "list" : "change";
      lines += fmt::format("{} {}\n", means, below ? path.substr(folder_.size() + 1) : "/");
    }
    return lines;
  }

  const std::string folder_ = std::filesystem::canonical(testing::TempDir()).string() +
                              fmt::format("/landlock_{}", ::getpid());
};

TEST_F(LandlockRules, AllMayBeReadAndTheWritableChanged) {
  EXPECT_EQ(rules({.workspace = folder_ + "/ws", .writable = {folder_ + "/ws"}}),
            "list /\nchange ws\n");
}

TEST_F(LandlockRules, AFootprintIsCoveredByTheNearestFolders) {
  const std::vector<std::string> reads{"file", "src/*.cc"};
  const std::vector<std::string> writes{"src/gen/x.cc"};
  EXPECT_EQ(
      rules({.workspace = folder_ + "/ws",
             .writable = {folder_, folder_ + "/tmp"},
             .held_to = footprint::Footprint{.reads = *footprint::PatternSet::parse(reads),
                                             .writes = *footprint::PatternSet::parse(writes)}}),
      "read beside\nlist /\nread ws/.git\nread ws/file\nread ws/src\nchange ws/src\n"
      "change tmp\n");
}

TEST_F(LandlockRules, ALinkIsChangedWhereItStandsAndNoRuleIsAboutWhatItLeadsTo) {
  std::filesystem::create_symlink("/usr", folder_ + "/ws/out");
  std::filesystem::create_symlink(folder_ + "/beside", folder_ + "/ws/src/deep");
  const std::vector<std::string> writes{"out/**", "src/deep/x/*.cc", "out"};
  EXPECT_EQ(
      rules({.workspace = folder_ + "/ws",
             .held_to = footprint::Footprint{.writes = *footprint::PatternSet::parse(writes)}}),
      "read beside\nlist /\nread ws/.git\nchange ws\nchange ws/src\nchange ws\n");
}

TEST_F(LandlockRules, AWorkspaceBehindALinkIsHeldWhereItIs) {
  EXPECT_EQ(rules({.workspace = folder_ + "/link", .held_to = footprint::Footprint{}}),
            "read beside\nlist /\nread ws/.git\n");
}

TEST(Landlock, AnOlderKernelIsAskedForWhatItKnows) {
  EXPECT_EQ(ruled_acts(1).files, 0x1fffu);
  EXPECT_EQ(ruled_acts(3).files, 0x7fffu);
  EXPECT_EQ(ruled_acts(5).scopes, 0u);
  EXPECT_EQ(ruled_acts(7).scopes, 3u);
  EXPECT_EQ(RuledActs::size(1), 8u);
  EXPECT_EQ(RuledActs::size(5), 16u);
  EXPECT_EQ(RuledActs::size(7), 24u);
}

}  // namespace
}  // namespace interlock::process
