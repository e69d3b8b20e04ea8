#include "snapshots/reads.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "snapshots/fixture.h"

namespace interlock::snapshots {
namespace {

class ReadsTest : public AsEither {
 protected:
  static std::string reported(const engine::Snapshots::Harvest& harvest) {
    const changes::ReadSet& reads = harvest.reads;
    return fmt::format("{}: content {} listing {} presence {}", changes::name_of(reads.from),
                       fmt::join(reads.content, " "), fmt::join(reads.listing, " "),
                       fmt::join(reads.presence, " "));
  }
};
INTERLOCK_AS_EITHER(ReadsTest);

TEST_P(ReadsTest, WhatTheKernelToldIsSortedByWhatWasThere) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a")
        .write("d/x", "x")
        .write("real/in", "i")
        .write("real/own", "o")
        .write(".git/HEAD", "h");
    ASSERT_TRUE(sh(scene.tree.root(), "ln -s real linked; ln -s ../a d/up; ln -s /etc/passwd out"));
    engine::Observed seen{.complete = true};
    for (const char* path :
         {"a", "d", "linked/in", "d/up", "d/none", "no/where", ".git/HEAD", "out", "fresh"})
      seen.opened.insert(scene.tree.at(path));
    seen.opened.insert(scene.tree.root());
    seen.opened.insert("/etc/passwd");
    for (const char* path : {"d/x", "linked", "no/thing", "made"})
      seen.looked_at.insert(scene.tree.at(path));
    EXPECT_EQ(reported(scene.attempt(attempt_of(0), "echo m > made; ln -s linked/own fresh", seen)),
              "observed: content a d/up linked out real/in real/own listing  d "
              "presence d d/none d/x fresh made no no/thing no/where real");
  });
}

TEST_P(ReadsTest, EveryMissingFolderOnTheWayWasLookedFor) {
  live([] {
    Scene scene;
    scene.tree.write("d/x", "x");
    engine::Observed seen{.complete = true};
    seen.opened = {scene.tree.at("new/deep/f")};
    seen.looked_at = {scene.tree.at("d/sub/f"), scene.tree.at("x")};
    EXPECT_EQ(reported(scene.attempt(attempt_of(0), "true", seen)),
              "observed: content  listing  presence d d/sub d/sub/f new new/deep new/deep/f x");
  });
}

TEST_P(ReadsTest, WhatCouldNotBePlacedIsAReadOfEverything) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a").write("b", "b");
    const footprint::Footprint footprint{.reads = workspace::patterns({"a"}),
                                         .writes = workspace::patterns({"out"})};
    ASSERT_TRUE(scene.open(attempt_of(0)));
    const engine::Observed some{
        .complete = false, .gap = "it is out of sight", .may_have_read_anything = true};
    const auto harvest = scene.snapshots().harvest(attempt_of(0), some, footprint);
    ASSERT_TRUE(harvest);
    EXPECT_EQ(reported(*harvest), "everything: content  listing  presence ");
    EXPECT_EQ(harvest->gap, "it is out of sight");
  });
}

TEST_P(ReadsTest, AnotherSpellingOfTheWorkspaceIsTheWorkspace) {
  live([] {
    Scene scene;
    workspace::TempTree elsewhere;
    scene.tree.write("d/a", "a");
    ASSERT_TRUE(sh(elsewhere.root(), fmt::format("ln -s {} here", scene.tree.root())));
    engine::Observed seen{.complete = true};
    seen.opened = {elsewhere.at("here/d/a"), elsewhere.at("here/d/new")};
    EXPECT_EQ(reported(scene.attempt(attempt_of(0), "true", seen)),
              "observed: content d/a listing  presence d d/new");
  });
}

TEST_P(ReadsTest, WhatWasChangedWasReadAndWhatIsNewWasLookedFor) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a").write("d/x", "x").write("e/y", "y");
    engine::Observed seen{.complete = true};
    EXPECT_EQ(reported(scene.attempt(
                  attempt_of(0), "echo b > a; rm -r d; echo n > e/n; mkdir f; echo > f/g", seen)),
              "observed: content a d d/x listing d presence e e/n f f/g");
  });
}

TEST_P(ReadsTest, WithoutTheKernelTheDeclarationHoldsOrElseEverything) {
  live([] {
    Scene scene;
    scene.tree.write("src/a.cc").write("src/a.h").write("b");
    const footprint::Footprint footprint{.reads = workspace::patterns({"src/*.cc", "missing"}),
                                         .writes = workspace::patterns({"out"})};
    ASSERT_TRUE(scene.open(attempt_of(0)));
    const engine::Observed some{.complete = false, .gap = "io_uring was used"};
    const auto declared = scene.snapshots().harvest(attempt_of(0), some, footprint);
    ASSERT_TRUE(declared);
    EXPECT_EQ(reported(*declared), "declared: content src/a.cc listing  presence missing");
    EXPECT_EQ(declared->gap, "io_uring was used");
    const auto harvest = scene.attempt(attempt_of(1), "echo c > b", {});
    EXPECT_EQ(reported(harvest), "everything: content b listing  presence ");
    EXPECT_EQ(harvest.gap, "what it read was not watched");
  });
}

}  // namespace
}  // namespace interlock::snapshots
