#include "process/foreign_path.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "support/made_up_files.h"

namespace interlock::process {
namespace {

using Kind = ForeignPath::Kind;

TEST(ForeignPath, TextIsResolvedWithoutLooking) {
  EXPECT_EQ(as_text("/a//b/./c/../d/"), "/a/b/d");
  EXPECT_EQ(as_text("/../../a"), "/a");
  EXPECT_EQ(as_text("/a/../.."), "/");
  EXPECT_EQ(as_text("/"), "/");
  EXPECT_TRUE(goes_up("/a/../b"));
  EXPECT_TRUE(goes_up("/a/.."));
  EXPECT_FALSE(goes_up("/a/..b/c../..."));
}

/// A file system of a few links, and what links of /proc lead to.
class Written final : public ForeignFiles {
 public:
  std::map<std::string, std::string> links;
  std::map<std::string, ForeignPath> magic;
  std::set<std::string> folders;
  std::map<std::string, int> errors;

  Link read_link(const std::string& path) const override {
    if (const auto error = errors.find(path); error != errors.end()) return {error->second, {}};
    if (magic.contains(path)) return {0, "whatever"};
    const auto link = links.find(path);
    return link == links.end() ? Link{EINVAL, {}} : Link{0, link->second};
  }
  There look_at(const std::string& path) const override {
    return folders.contains(path) ? There::folder : There::nothing;
  }
  ForeignPath behind(const std::string& path) const override { return magic.at(path); }

  std::string land(const std::string& path, bool follows = true) const {
    const ForeignPath landed = resolve(*this, 7, path, follows);
    switch (landed.kind) {
      case Kind::path: return landed.path;
      case Kind::deleted: return "deleted " + landed.path;
      case Kind::nowhere: return "nowhere";
      case Kind::unknown: return "unknown: " + landed.why;
    }
    return "";
  }
};

TEST(ForeignPath, WhatIsOnNoPathHasNothingAboveOrBelow) {
  Written files;
  files.magic["/proc/7/fd/1"] = ForeignPath::nowhere();
  for (const char* path : {"/proc/self/fd/1", "/proc/self/fd/1/../x", "/proc/self/fd/1/..",
                           "/proc/7/fd/1/a/b", "/proc/self/fd/1/../../../.."})
    EXPECT_EQ(files.land(path), "nowhere") << path;
  EXPECT_EQ(files.land("/proc/self/fd/1", false), "/proc/7/fd/1");
}

TEST(ForeignPath, WhatWasDeletedIsToldFromWhatLiesAboveIt) {
  Written files;
  files.magic["/proc/7/cwd"] = {Kind::deleted, "/ws/d", {}};
  EXPECT_EQ(files.land("/proc/self/cwd"), "deleted /ws/d");
  EXPECT_EQ(files.land("/proc/self/cwd/../a"),
            "unknown: a path of process 7 begins in a folder that was deleted");
}

TEST(ForeignPath, WhatCannotBeLookedAtIsUnknownAndNeverGuessed) {
  Written files;
  files.errors["/a"] = EIO;
  files.errors["/hidden"] = EACCES;
  files.magic["/proc/7/root"] = ForeignPath::unknown("it is gone");
  EXPECT_EQ(files.land("/a/b"), "unknown: a path of process 7 Input/output error");
  EXPECT_EQ(files.land("/hidden/b"), "/hidden/b");
  EXPECT_EQ(files.land("/proc/self/root/etc"), "unknown: it is gone");
  EXPECT_EQ(files.land("/" + std::string(256, 'x')), "nowhere");
  std::string deep;
  for (int names = 0; names < 30; ++names) deep += "/" + std::string(200, 'x');
  EXPECT_EQ(files.land(deep), "unknown: a path of process 7 is longer than can be followed");
}

TEST(ForeignPath, TheMissingFolderOnTheWayIsWhatAPathComesTo) {
  Written files;
  files.folders = {"/ws", "/ws/d"};
  files.errors["/ws/gone"] = ENOENT;
  EXPECT_EQ(files.land("/ws/gone/../a"), "/ws/gone");
  EXPECT_EQ(files.land("/ws/gone/sub/../a"), "/ws/gone/sub");
  EXPECT_EQ(files.land("/ws/d/../a"), "/ws/a");
  EXPECT_EQ(files.land("/ws/gone/a"), "/ws/gone/a");
}

TEST(ForeignPath, LinksOnTheWayAreNamed) {
  Written files;
  files.links = {{"/tmp/in", "/ws"}, {"/ws/l", "d/deep"}, {"/ws/last", "a"}, {"/loop", "loop"}};
  files.folders = {"/ws/d/deep", "/ws/d"};
  const ForeignPath landed = resolve(files, 7, "/tmp/in/l/../../last", true);
  EXPECT_EQ(landed.path, "/ws/a");
  EXPECT_EQ(landed.links, (std::vector<std::string>{"/tmp/in", "/ws/l", "/ws/last"}));
  EXPECT_EQ(files.land("/ws/last", false), "/ws/last");
  EXPECT_EQ(files.land("/ws/last/", false), "/ws/a") << "a slash at the end follows";
  EXPECT_EQ(files.land("/loop"), "nowhere");
}

/// The same as the fuzz target, for those who have none: FUZZ_SEEDS=n tries that many.
TEST(ForeignPath, NoPathAndNoFileSystemBreaksTheWalk) {
  const char* wanted = std::getenv("FUZZ_SEEDS");
  const unsigned long seeds = wanted == nullptr ? 5'000 : std::strtoul(wanted, nullptr, 10);
  for (unsigned long seed = 0; seed < seeds; ++seed) {
    std::mt19937 engine(static_cast<unsigned>(seed));
    std::string data(300, '\0');
    for (char& one : data) one = static_cast<char>(engine());
    Bytes bytes(data);
    const MadeUpFiles files(bytes);
    for (int paths = 0; paths < 4; ++paths) {
      const bool follows = bytes.next() % 2 == 0;
      const std::string path = bytes.path();
      const std::string flaw = flaw_of(resolve(files, 7, path, follows));
      ASSERT_EQ(flaw, "") << "seed " << seed << ", path " << path;
    }
  }
}

}  // namespace
}  // namespace interlock::process
