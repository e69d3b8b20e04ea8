#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fake_views_scene.h"
#include "views_scene.h"

// What engine::Views promises, held against the fake and whatever else instantiates the suite.
namespace interlock::contract {

using engine::AttemptName;
using Side = engine::Snapshots::Side;
using Answers = std::vector<std::string>;
using Paths = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

namespace {

const AttemptName kA{TaskId(0), 1, 0}, kB{TaskId(1), 1, 0}, kC{TaskId(2), 1, 0};

AttemptName check_of(AttemptName name, std::uint32_t phase) {
  return {name.task, name.attempt, phase};
}

std::string state_text(const changes::State& state) {
  if (state.kind == changes::Kind::absent) return "absent";
  return fmt::format("{} {:o}", name_of(state.kind), state.mode) +
         (state.kind == changes::Kind::file ? fmt::format(" {}", state.size) : "");
}

/// `a: absent > file 644 3`, one a line.
std::string text_of(const changes::Changeset& changeset) {
  std::string text;
  for (const changes::Change& change : changeset.changes) {
    text += fmt::format("{}: {} > {}\n", change.path, state_text(change.before),
                        state_text(change.after));
  }
  return text;
}

}  // namespace

// What is seen.

TEST_P(ViewsContract, ASnapshotShowsTheWorkspaceAtItsOwnPath) {
  scene_->person_writes("a", "one");
  scene_->person_writes("d/x", "two");
  const auto opened = open(kA);
  EXPECT_TRUE(opened.sandbox.snapshot.has_value());
  const auto outcome = scene_->run(
      kA, opened,
      {reads("a"), reads("d/x"), lists(""), lists("d"), looks("d"), looks("none"), reads("e")});
  EXPECT_EQ(outcome.answers, (Answers{"one", "two", "a d", "x", "there", "-", "-"}));
}

TEST_P(ViewsContract, WhatAnAttemptDoesIsSeenByItAlone) {
  scene_->person_writes("a", "one");
  scene_->person_writes("b", "two");
  const Files before = scene_->on_disk();
  const auto mine = open(kA), others = open(kB);
  const auto outcome = scene_->run(
      kA, mine,
      {writes("a", "mine"), erases("b"), writes("d/new", "x"), reads("a"), looks("b"), lists("")});
  EXPECT_EQ(outcome.answers, (Answers{"mine", "-", "a d"}));
  EXPECT_EQ(scene_->run(kB, others, {reads("a"), reads("b"), lists("")}).answers,
            (Answers{"one", "two", "a b"}));
  EXPECT_EQ(scene_->on_disk(), before);
  harvest(kA, outcome.observed);
  EXPECT_EQ(scene_->on_disk(), before) << "harvesting changes nothing in the workspace either";
}

TEST_P(ViewsContract, ASnapshotStaysWhatItWasWhenOthersCommit) {
  scene_->person_writes("a", "one");
  const auto early = open(kB);
  const auto harvested = work(kA, {writes("a", "two"), writes("new", "x")});
  commit(kA, harvested.changes);
  EXPECT_EQ(scene_->run(kB, early, {reads("a"), looks("new")}).answers, (Answers{"one", "-"}));
}

TEST_P(ViewsContract, NewSnapshotsShowCommitsInTheirOrder) {
  scene_->person_writes("a", "one");
  scene_->person_writes("gone", "x");
  const auto first = work(kA, {writes("a", "two"), erases("gone"), writes("d/x", "of a")});
  commit(kA, first.changes);
  const auto second = work(kB, {writes("a", "three"), writes("d/y", "of b")});
  commit(kB, second.changes);
  EXPECT_EQ(seen_by(kC, {reads("a"), looks("gone"), lists("d"), reads("d/x"), lists("")}),
            (Answers{"three", "-", "x y", "of a", "a d"}));
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "one"}, {"gone", "x"}})) << "not folded yet";
}

TEST_P(ViewsContract, TheWorkspacePortSeesTheCommittedState) {
  scene_->person_writes("a", "one");
  scene_->person_writes("gone", "x");
  const auto patterns = footprint::PatternSet::parse(Paths{"*"}).value();
  const auto before = scene_->workspace().fingerprint(patterns).value();
  const auto harvested = work(kA, {writes("a", "two"), erases("gone"), writes("b", "new")});
  EXPECT_EQ(scene_->workspace().fingerprint(patterns).value(), before) << "not committed yet";
  commit(kA, harvested.changes);
  EXPECT_EQ(scene_->workspace().read("a", 10).value(), "two");
  EXPECT_FALSE(scene_->workspace().read("gone", 10));
  const auto committed = scene_->workspace().fingerprint(patterns).value();
  EXPECT_NE(committed, before);
  std::string names;
  const auto prints = scene_->workspace().fingerprints(patterns).value();
  for (const engine::CacheKeyPart& one : prints) names += one.name + " ";
  EXPECT_EQ(names, "a b ");
  EXPECT_EQ(snapshots().committed("b", 10).value(), "new");
  EXPECT_EQ(snapshots().committed("gone", 10).error().kind, Error::Kind::missing);
  EXPECT_FALSE(snapshots().committed("a", 2));
  snapshots().discard(kA);
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->workspace().fingerprint(patterns).value(), committed)
      << "folding changes nothing for who looks through the port";
}

TEST_P(ViewsContract, AGuardHasAnSandboxButNoSnapshot) {
  scene_->person_writes("a", "one");
  footprint::Footprint footprint;
  footprint.writes = footprint::PatternSet::parse(Paths{"a"}).value();
  engine::Snapshots::SnapshotSpec spec;
  spec.name = kA;
  spec.isolation = plan::Isolation::guard;
  spec.footprint = &footprint;
  const auto opened = snapshots().open(spec).value();
  EXPECT_FALSE(opened.sandbox.snapshot);
  EXPECT_EQ(opened.sandbox.held_to, footprint);
  EXPECT_EQ(opened.folder, opened.sandbox.workspace);
  EXPECT_EQ(checkpoint(), Paths{}) << "no snapshot is open";
}

// What is harvested.

TEST_P(ViewsContract, AHarvestIsExactlyWhatWasChanged) {
  scene_->person_writes("changed", "one");
  scene_->person_writes("gone", "one");
  scene_->person_writes("kept", "one");
  scene_->person_writes("written_back", "one");
  scene_->person_writes("d/x", "one");
  const auto harvested = work(
      kA, {writes("changed", "three"), erases("gone"), reads("kept"),
           writes("written_back", "other"), writes("written_back", "one"), writes("passing", "x"),
           erases("passing"), writes("d/x", "1"), writes("new/deep/file", "12")});
  EXPECT_EQ(text_of(harvested.changes),
            "changed: file 644 3 > file 644 5\n"
            "d/x: file 644 3 > file 644 1\n"
            "gone: file 644 3 > absent\n"
            "new: absent > folder 755\n"
            "new/deep: absent > folder 755\n"
            "new/deep/file: absent > file 644 2\n");
  EXPECT_EQ(harvested.changes.find("changed")->after.digest, digest_of("three"));
  EXPECT_EQ(harvested.changes.find("gone")->before.digest, digest_of("one"));
  EXPECT_TRUE(work(kB, {reads("kept"), lists("")}).changes.empty());
}

TEST_P(ViewsContract, AHarvestTellsChangesAgainstWhatTheAttemptFound) {
  scene_->person_writes("a", "1");
  const auto first = work(kA, {writes("a", "22")});
  commit(kA, first.changes);
  EXPECT_EQ(text_of(work(kB, {writes("a", "333")}).changes), "a: file 644 2 > file 644 3\n");
}

TEST_P(ViewsContract, AHarvestTellsWhatWasReadAlsoWhatWasNotThere) {
  if (!scene_->observes_reads()) GTEST_SKIP() << "reads cannot be observed on this host";
  scene_->person_writes("a", "one");
  scene_->person_writes("untouched", "one");
  scene_->person_writes("d/x", "two");
  scene_->person_writes("seen", "x");
  const auto opened = open(kA);
  const auto outcome = scene_->run(
      kA, opened, {reads("a"), reads("none"), lists("d"), looks("seen"), looks("not_there")});
  const auto so_far = snapshots().reads_so_far(kA, outcome.observed);
  const auto harvested = harvest(kA, outcome.observed);
  EXPECT_EQ(harvested.gap, "");
  EXPECT_EQ(harvested.reads.from, changes::ReadsFrom::observed);
  const auto has = [](const Paths& paths, const std::string& path) {
    return std::ranges::find(paths, path) != paths.end();
  };
  // More may be told than was asked for here: a process looks at folders on its way.
  for (const auto* told : {&harvested.reads, &so_far}) {
    EXPECT_TRUE(has(told->content, "a"));
    EXPECT_TRUE(has(told->content, "none") || has(told->presence, "none"));
    EXPECT_TRUE(has(told->listing, "d"));
    EXPECT_TRUE(has(told->presence, "seen"));
    EXPECT_TRUE(has(told->presence, "not_there"));
    for (const auto* list : {&told->content, &told->listing, &told->presence}) {
      EXPECT_FALSE(has(*list, "untouched"));
      EXPECT_FALSE(has(*list, "d/x"));
      EXPECT_TRUE(std::ranges::is_sorted(*list));
      EXPECT_EQ(std::ranges::adjacent_find(*list), list->end());
    }
  }
}

// No change, and yet it would have been one if others had changed the file before.
TEST_P(ViewsContract, WhatWasTouchedInVainCountsAsRead) {
  if (!scene_->observes_reads()) GTEST_SKIP() << "reads cannot be observed on this host";
  scene_->person_writes("written_back", "one");
  const auto harvested = work(kA, {writes("written_back", "one"), writes("passing", "x"),
                                   erases("passing"), erases("never_there")});
  EXPECT_EQ(text_of(harvested.changes), "");
  for (const std::string path : {"written_back", "passing", "never_there"}) {
    const auto has = [&](const Paths& paths) {
      return std::ranges::find(paths, path) != paths.end();
    };
    EXPECT_TRUE(has(harvested.reads.content) ||
                (path != "written_back" && has(harvested.reads.presence)))
        << path;
  }
}

TEST_P(ViewsContract, WhatWasWrittenCountsThoughTheSameBytesAreThere) {
  scene_->person_writes("a", "one");
  scene_->person_writes("b", "two");
  scene_->person_writes("gone", "x");
  const auto harvest = work(kA, {reads("b"), writes("a", "one"), writes("d/new", "x"),
                                 erases("gone"), writes("passing", "y"), erases("passing")});
  EXPECT_EQ(harvest.writes.complete, scene_->observes_reads());
  const auto& paths = harvest.writes.paths;
  for (const char* path : {"a", "d/new", "gone"})
    EXPECT_TRUE(std::ranges::find(paths, path) != paths.end()) << path;
  EXPECT_TRUE(std::ranges::find(paths, "b") == paths.end()) << "it was only read";
  if (scene_->observes_reads()) {
    EXPECT_EQ(harvest.writes.passing, Paths{"passing"});
  }
}

TEST_P(ViewsContract, BothSidesOfAChangeCanBeRead) {
  scene_->person_writes("a", "one");
  scene_->person_writes("gone", "two");
  scene_->person_writes("kept", "three");
  const auto harvested = work(kA, {writes("a", "1"), erases("gone"), writes("new", "2")});
  const auto both = [&](const std::string& path) {
    return content(kA, path, Side::before) + " > " + content(kA, path, Side::after);
  };
  EXPECT_EQ(both("a"), "one > 1");
  EXPECT_EQ(both("gone"), "two > -");
  EXPECT_EQ(both("new"), "- > 2");
  EXPECT_EQ(content(kA, "kept"), "three") << "any path of its snapshot, as it left it";
  EXPECT_FALSE(snapshots().content(kA, "a", Side::before, 2));
  commit(kA, harvested.changes);
  snapshots().discard(kA);
  EXPECT_EQ(both("a"), "one > 1") << "a committed attempt's changes can still be shown";
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(both("a"), "one > 1");
  EXPECT_EQ(both("gone"), "two > -");
}

// Checks of what was harvested.

TEST_P(ViewsContract, ACheckSeesWhatTheAttemptLeftAndLeavesNothing) {
  scene_->person_writes("a", "one");
  scene_->person_writes("b", "one");
  const auto mine = work(kA, {writes("a", "mine")});
  const auto other = work(kB, {writes("b", "other")});
  commit(kB, other.changes);
  const auto opened = open(check_of(kA, 1));
  EXPECT_EQ(scene_
                ->run(check_of(kA, 1), opened,
                      {reads("a"), reads("b"), writes("a", "checked"), writes("log", "x")})
                .answers,
            (Answers{"mine", "one"}))
      << "upon what the attempt saw, without what was committed since";
  snapshots().discard(check_of(kA, 1));
  EXPECT_EQ(content(kA, "a"), "mine");
  commit(kA, mine.changes);
  EXPECT_EQ(seen_by(kC, {reads("a"), reads("b"), looks("log")}), (Answers{"mine", "other", "-"}));
}

TEST_P(ViewsContract, AmendingRestsTheChangesOnTheCommittedState) {
  scene_->person_writes("both", "base");
  scene_->person_writes("mine", "base");
  scene_->person_writes("same", "base");
  const auto early = open(kA);
  const auto mine = harvest(
      kA, scene_->run(kA, early, {writes("both", "m"), writes("mine", "mm"), writes("same", "s")})
              .observed);
  const auto other = work(kB, {writes("both", "oo"), writes("same", "s"), writes("other", "o")});
  commit(kB, other.changes);
  const auto amended = snapshots().amend(kA, {{"both", "merged"}}).value();
  EXPECT_EQ(text_of(amended),
            "both: file 644 2 > file 644 6\n"
            "mine: file 644 4 > file 644 2\n");
  EXPECT_EQ(content(kA, "both", Side::before), "oo");
  EXPECT_EQ(content(kA, "both"), "merged");
  const auto opened = open(check_of(kA, 2));
  EXPECT_EQ(
      scene_
          ->run(check_of(kA, 2), opened,
                {reads("both"), reads("mine"), reads("same"), reads("other"), writes("mine", "x")})
          .answers,
      (Answers{"merged", "mm", "s", "o"}));
  snapshots().discard(check_of(kA, 2));
  commit(kA, amended);
  EXPECT_EQ(seen_by(kC, {reads("both"), reads("mine"), reads("other")}),
            (Answers{"merged", "mm", "o"}));
}

TEST_P(ViewsContract, AmendingAgainKeepsWhatWasMergedBefore) {
  scene_->person_writes("a", "base");
  scene_->person_writes("b", "base");
  const auto early = open(kA);
  const auto mine =
      harvest(kA, scene_->run(kA, early, {writes("a", "mine"), writes("b", "mine")}).observed);
  const auto first = work(kB, {writes("a", "first")});
  commit(kB, first.changes);
  const auto once = snapshots().amend(kA, {{"a", "merged once"}}).value();
  const auto second = work(kC, {writes("b", "second")});
  commit(kC, second.changes);
  const auto twice = snapshots().amend(kA, {{"b", "merged"}}).value();
  EXPECT_EQ(text_of(twice), "a: file 644 5 > file 644 11\nb: file 644 6 > file 644 6\n");
  scene_->crash();
  recover({{kB, &first.changes}, {kC, &second.changes}}, {{kA, &once}});
  EXPECT_EQ(content(kA, "a"), "merged once") << "the second was not noted";
  EXPECT_EQ(content(kA, "b"), "mine");
}

// Into the workspace.

TEST_P(ViewsContract, FoldingBringsAllCommitsIntoTheWorkspace) {
  scene_->person_writes("a", "one");
  scene_->person_writes("gone", "x");
  scene_->person_writes("kept", "x");
  const auto first = work(kA, {writes("a", "two"), erases("gone"), writes("passing", "x")});
  commit(kA, first.changes);
  const auto second = work(kB, {writes("a", "three"), erases("passing"), writes("d/e/x", "new")});
  commit(kB, second.changes);
  EXPECT_EQ(checkpoint(), Paths{});
  const Files expected{{"a", "three"}, {"d/e/x", "new"}, {"kept", "x"}};
  EXPECT_EQ(scene_->on_disk(), expected);
  EXPECT_EQ(checkpoint(), Paths{}) << "nothing is left to fold";
  EXPECT_EQ(scene_->on_disk(), expected);
  EXPECT_EQ(seen_by(kC, {reads("a"), lists("")}), (Answers{"three", "a d kept"}));
}

TEST_P(ViewsContract, FoldingNeverGoesOverWhatSomebodyElseChanged) {
  for (const std::string path : {"a", "b", "gone"}) scene_->person_writes(path, "base");
  const auto harvested = work(
      kA, {writes("a", "agent"), writes("b", "agent"), erases("gone"), writes("new", "agent")});
  commit(kA, harvested.changes);
  scene_->person_writes("b", "person");
  scene_->person_writes("gone", "person");
  scene_->person_writes("new", "person");
  const Files before = scene_->on_disk();
  EXPECT_EQ(checkpoint(), (Paths{"b", "gone", "new"}));
  EXPECT_EQ(scene_->on_disk(), before) << "nothing was changed";
  scene_->person_writes("b", "base");
  scene_->person_writes("gone", "base");
  scene_->person_erases("new");
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "agent"}, {"b", "agent"}, {"new", "agent"}}));
}

TEST_P(ViewsContract, AFoldThatWasBrokenOffGoesOn) {
  for (const std::size_t paths : {0, 1, 2, 3}) {
    scene_ = GetParam().make();
    for (const std::string path : {"a", "b", "gone"}) scene_->person_writes(path, "base");
    const auto harvested = work(
        kA, {writes("a", "agent"), writes("b", "agent"), erases("gone"), writes("d/new", "x")});
    commit(kA, harvested.changes);
    if (!scene_->crashes_in_checkpoint(paths)) GTEST_SKIP() << "a fold cannot be broken off here";
    recover({{kA, &harvested.changes}}, {});
    EXPECT_EQ(seen_by(kB, {reads("a"), looks("gone"), reads("d/new")}),
              (Answers{"agent", "-", "x"}))
        << "the committed state is the same in between";
    const auto next = work(kC, {writes("a", "later"), writes("b", "base")});
    commit(kC, next.changes);
    EXPECT_EQ(checkpoint(), Paths{});
    EXPECT_EQ(scene_->on_disk(), (Files{{"a", "later"}, {"b", "base"}, {"d/new", "x"}}));
  }
}

TEST_P(ViewsContract, ForeignIsWhatAPersonChangedAndNobodyElse) {
  for (const std::string path : {"a", "b", "c", "d/x"}) scene_->person_writes(path, "base");
  scene_->person_writes("c", "before it was opened");
  open(kA);
  const auto other = work(kB, {writes("b", "committed")});
  commit(kB, other.changes);
  EXPECT_EQ(foreign(kA, {"a", "b", "c", "new"}), Paths{});
  scene_->person_writes("a", "changed");
  scene_->person_erases("d/x");
  scene_->person_writes("new", "x");
  EXPECT_EQ(foreign(kA, {"a", "b", "c", "d/x", "new"}), (Paths{"a", "d/x", "new"}));
  EXPECT_EQ(foreign(kA, {"b", "c"}), Paths{}) << "only of what was asked";
  changes::ReadSet listed;
  listed.listing = {"", "d"};
  EXPECT_EQ(snapshots().foreign(kA, listed, {}), (Paths{"", "d"})) << "names came and went";
  snapshots().discard(kA);
}

TEST_P(ViewsContract, ForeignIsKnownOfAHarvestedAttemptAlsoAfterAFold) {
  scene_->person_writes("a", "base");
  scene_->person_writes("b", "base");
  const auto mine = work(kA, {writes("a", "mine")});
  const auto other = work(kB, {writes("b", "other"), writes("new", "other")});
  commit(kB, other.changes);
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(foreign(kA, {"a", "b", "new"}), Paths{}) << "a fold is no person";
  scene_->person_writes("a", "person");
  EXPECT_EQ(foreign(kA, {"a", "b", "new"}), Paths{"a"});
}

// Throwing away, and dying.

TEST_P(ViewsContract, WhatIsDiscardedLeavesNoTrace) {
  scene_->person_writes("a", "one");
  const Files before = scene_->on_disk();
  const auto opened = open(kA);
  scene_->run(kA, opened, {writes("a", "two")});
  snapshots().discard(kA);
  work(kB, {writes("a", "three"), writes("new", "x")});
  snapshots().discard(kB);
  snapshots().discard(kB);
  snapshots().discard({TaskId(9), 1, 0});
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), before);
  EXPECT_EQ(seen_by(kC, {reads("a"), lists("")}), (Answers{"one", "a"}));
}

TEST_P(ViewsContract, WhatWasHarvestedSurvivesTheDispatcher) {
  scene_->person_writes("a", "one");
  const auto mine = work(kA, {writes("a", "mine"), writes("d/new", "x")});
  const auto other = work(kB, {writes("b", "other")});
  commit(kB, other.changes);
  scene_->crash();
  recover({{kB, &other.changes}}, {{kA, &mine.changes}});
  EXPECT_EQ(content(kA, "a", Side::before), "one");
  EXPECT_EQ(content(kA, "a"), "mine");
  const auto opened = open(check_of(kA, 1));
  EXPECT_EQ(scene_->run(check_of(kA, 1), opened, {reads("a"), reads("d/new"), looks("b")}).answers,
            (Answers{"mine", "x", "-"}));
  snapshots().discard(check_of(kA, 1));
  EXPECT_EQ(seen_by(kC, {reads("a"), reads("b")}), (Answers{"one", "other"}));
  commit(kA, mine.changes);
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "mine"}, {"b", "other"}, {"d/new", "x"}}));
}

TEST_P(ViewsContract, OnlyWhatIsKnownToBeCommittedIsTakenUpAsCommitted) {
  scene_->person_writes("a", "one");
  const auto first = work(kA, {writes("a", "two")});
  commit(kA, first.changes);
  const auto second = work(kB, {writes("a", "three")});
  commit(kB, second.changes);
  scene_->crash();
  // The second commit was not noted before the dispatcher died; and one that was noted was not
  // made.
  recover({{kA, &first.changes}}, {{kB, &second.changes}});
  EXPECT_EQ(snapshots().committed("a", 10).value(), "two");
  scene_->crash();
  recover({{kA, &first.changes}, {kB, &second.changes}}, {});
  EXPECT_EQ(snapshots().committed("a", 10).value(), "three");
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "three"}}));
}

TEST_P(ViewsContract, TakingUpWhatWasFoldedAlreadyChangesNothing) {
  scene_->person_writes("a", "one");
  const auto harvested = work(kA, {writes("a", "two"), writes("new", "x")});
  commit(kA, harvested.changes);
  EXPECT_EQ(checkpoint(), Paths{});
  const Files checkpointed = scene_->on_disk();
  scene_->crash();
  recover({{kA, &harvested.changes}}, {});
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), checkpointed);
}

TEST_P(ViewsContract, WhatNobodyTakesUpGoes) {
  scene_->person_writes("a", "one");
  const auto opened = open(kA);
  scene_->run(kA, opened, {writes("a", "of the dead")});
  work(kB, {writes("a", "harvested and never noted")});
  scene_->crash();
  recover({}, {});
  EXPECT_EQ(checkpoint(), Paths{}) << "no snapshot is open any more";
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "one"}}));
  const AttemptName again{kA.task, 2, 0};
  EXPECT_EQ(text_of(work(again, {writes("a", "22")}).changes), "a: file 644 3 > file 644 2\n");
}

TEST_P(ViewsContract, AnAmendmentThatWasNotNotedIsForgotten) {
  scene_->person_writes("a", "base");
  const auto early = open(kA);
  const auto mine =
      harvest(kA, scene_->run(kA, early, {writes("a", "mine"), writes("b", "mine")}).observed);
  const auto other = work(kB, {writes("a", "other")});
  commit(kB, other.changes);
  const auto amended = snapshots().amend(kA, {{"a", "merged"}}).value();
  scene_->crash();
  recover({{kB, &other.changes}}, {{kA, &mine.changes}});
  EXPECT_EQ(content(kA, "a"), "mine");
  EXPECT_EQ(snapshots().amend(kA, {{"a", "merged"}}).value(), amended);
  scene_->crash();
  recover({{kB, &other.changes}}, {{kA, &amended}});
  EXPECT_EQ(content(kA, "a"), "merged");
  commit(kA, amended);
  EXPECT_EQ(checkpoint(), Paths{});
  EXPECT_EQ(scene_->on_disk(), (Files{{"a", "merged"}, {"b", "mine"}}));
}

INSTANTIATE_TEST_SUITE_P(Fake, ViewsContract,
                         testing::Values(SceneMaker{"fake",
                                                    [] { return std::make_unique<FakeScene>(); }}),
                         scene_name);

}  // namespace interlock::contract
