#include "snapshots/local_snapshots.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/shortage.h"
#include "snapshots/fixture.h"
#include "sys/signal_waits.h"

namespace interlock::snapshots {
namespace {

class LocalViewsTest : public AsEither {};
INTERLOCK_AS_EITHER(LocalViewsTest);

constexpr const char* kBefore = R"sh(
  printf base > modify; printf same > same; printf bye > gone; printf r > rename_me
  mkdir -p tree_gone/deep/er opaque/sub dir_moves dirmode dir2file/x dir2link link2 untouched/deep
  printf 1 > tree_gone/a; printf 2 > tree_gone/deep/b; printf 3 > tree_gone/deep/er/c
  printf 4 > opaque/old; printf 5 > opaque/sub/old; printf keep > opaque/kept
  printf 6 > dir_moves/one; printf 7 > dir2file/x/y; printf 8 > dir2link/z
  printf 9 > file2dir; ln -s modify oldlink; ln -s link2 link2dir; printf 10 > link2/in
  printf s > script; chmod 644 script; printf t > untouched/deep/t; printf c > closed
  mkdir readonly; printf ro > readonly/f; chmod 555 readonly
  mkdir .git; printf g > .git/config
)sh";

constexpr const char* kManyFiles = "for i in $(seq 200); do echo $i >f$i; done";

constexpr const char* kEdits = R"sh(
  echo new > a_new; mkdir -p d/e/f empty; echo x > d/e/f/g
  echo more >> modify; printf same > same; chmod 600 same; chmod 644 same; touch untouched/deep/t
  rm gone; rm -r tree_gone; rm -r opaque; mkdir opaque; echo o > opaque/fresh; printf keep > opaque/kept
  mv rename_me renamed; cp -r dir_moves dir_moved; rm -r dir_moves
  chmod 755 script; chmod 700 dirmode; chmod 400 closed
  ln -s nowhere link; ln -sf other oldlink
  rm file2dir; mkdir file2dir; echo i > file2dir/in; rm -r dir2file; echo f > dir2file
  rm -r dir2link; ln -s a_new dir2link; rm link2dir; mkdir link2dir; echo l > link2dir/x
  printf x > "$(printf 'new\nline')"; printf y > "$(printf 'caf\351')"; printf z > ./-rf
  ln modify hard; head -c 3000000 /dev/zero > large; : > nil
  chmod 755 readonly; echo in > readonly/new; chmod 555 readonly
)sh";

TEST_P(LocalViewsTest, HarvestAndFoldBreakOffWhereASignalAsksToEndAndAreDoneAgain) {
  live([] {
    Scene scene;
    const auto opened = scene.open(attempt_of(1));
    ASSERT_TRUE(opened);
    ASSERT_EQ(run_in(*opened->sandbox.snapshot, kManyFiles), 0);
    {
      const sys::SignalWaits waits;
      const auto broken_off = scene.snapshots().harvest(attempt_of(1), {}, scene.nothing_known);
      ASSERT_FALSE(broken_off);
      EXPECT_TRUE(engine::is_interruption(broken_off.error())) << broken_off.error().message;
    }
    scene.snapshots().discard(attempt_of(1));
    scene.attempt(attempt_of(2), kManyFiles);
    scene.commit(attempt_of(2));
    {
      const sys::SignalWaits waits;
      const auto broken_off = scene.snapshots().checkpoint();
      ASSERT_FALSE(broken_off);
      EXPECT_TRUE(engine::is_interruption(broken_off.error())) << broken_off.error().message;
    }
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(workspace::Stack(scene.tree.root(), {}).below("").size(), 200u);
  });
}

TEST_P(LocalViewsTest, WhatAnAttemptDidIsWhatAPlainFolderWouldHave) {
  live([] {
    Scene scene;
    workspace::TempTree plain;
    ASSERT_TRUE(sh(scene.tree.root(), kBefore));
    ASSERT_TRUE(sh(plain.root(), fmt::format("{}{}", kBefore, kEdits)));
    const std::string before = listing(scene.tree.root());
    const auto harvest =
        scene.attempt(attempt_of(3), fmt::format("{} mkfifo pipe; echo g > .git/config", kEdits));
    EXPECT_EQ(
        reported(harvest.changes),
        "+ -rf file\n+ a_new file\n+ caf\xEF\xBF\xBD file\n* closed file mode 644 to 400\n"
        "+ d folder\n+ d/e folder\n+ d/e/f folder\n+ d/e/f/g file\n"
        "* dir2file folder to file mode 755 to 644\n- dir2file/x folder\n- dir2file/x/y file\n"
        "* dir2link folder to link mode 755 to 0\n- dir2link/z file\n+ dir_moved folder\n"
        "+ dir_moved/one file\n- dir_moves folder\n- dir_moves/one file\n"
        "* dirmode folder mode 755 to 700\n+ empty folder\n"
        "* file2dir file to folder mode 644 to 755\n+ file2dir/in file\n- gone file\n"
        "+ hard file\n+ large file\n+ link link\n* link2dir link to folder mode 0 to 755\n"
        "+ link2dir/x file\n* modify file\n+ new\xE2\x90\x8Aline file\n+ nil file\n"
        "* oldlink link\n+ opaque/fresh file\n- opaque/old file\n- opaque/sub folder\n"
        "- opaque/sub/old file\n+ readonly/new file\n- rename_me file\n+ renamed file\n"
        "* script file mode 644 to 755\n- tree_gone folder\n- tree_gone/a file\n"
        "- tree_gone/deep folder\n- tree_gone/deep/b file\n- tree_gone/deep/er folder\n"
        "- tree_gone/deep/er/c file\n");
    EXPECT_EQ(fmt::format("{}", fmt::join(harvest.remarks, "\n")),
              "what it changed in `.git` was left out\nthe pipe `pipe` was left out");
    EXPECT_EQ(listing(scene.tree.root()), before);
    scene.commit(attempt_of(3));
    EXPECT_EQ(listing(scene.tree.root()), before);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(listing(scene.tree.root()), listing(plain.root()));
    EXPECT_EQ(scene.read(".git/config"), "g");
    sh(scene.tree.root(), "chmod 755 readonly");
    sh(plain.root(), "chmod 755 readonly");
  });
}

TEST_P(LocalViewsTest, ALaterSnapshotShowsTheCommittedChangesAndNothingElse) {
  live([] {
    Scene scene;
    workspace::TempTree plain;
    ASSERT_TRUE(sh(scene.tree.root(), kBefore));
    ASSERT_TRUE(sh(plain.root(), fmt::format("{}{}", kBefore, kEdits)));
    scene.attempt(attempt_of(0), fmt::format("{} echo g > .git/config; mkfifo p", kEdits));
    scene.commit(attempt_of(0));
    // Both as a tree the kernel shows and as one read without it.
    const auto opened = scene.open(attempt_of(1));
    ASSERT_TRUE(opened);
    const std::string copy = scene.state.at("copy");
    EXPECT_EQ(run_in(*opened->sandbox.snapshot, fmt::format("mkdir -m 755 {0}; cp -a . {0}", copy)),
              0);
    EXPECT_EQ(listing(copy), listing(plain.root()));
    EXPECT_EQ(reported(scene.harvest(attempt_of(1)).changes), "");
    EXPECT_EQ(scene.snapshots().committed("modify", 100).value_or(""), "basemore\n");
    EXPECT_FALSE(scene.snapshots().committed("gone", 100));
    sh(scene.tree.root(), "chmod 755 readonly");
    sh(plain.root(), "chmod 755 readonly");
    sh(copy, "chmod 755 readonly");
  });
}

TEST_P(LocalViewsTest, StacksOfChangesFoldToTheirNet) {
  live([] {
    Scene scene;
    workspace::TempTree plain;
    const std::vector<std::string> scripts{"mkdir d; echo 1 > d/a; echo 1 > b; echo t > there",
                                           "rm -r d; echo 2 > d; echo 2 > b",
                                           "rm d; mkdir d; echo 3 > d/c; rm b",
                                           "echo 4 >> d/c; mkdir -p x/y; rm there; echo t > there",
                                           "rm -r x; chmod 700 d; rm -r d; mkdir d; echo 5 > d/e"};
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      scene.attempt(attempt_of(i), scripts[i]);
      scene.commit(attempt_of(i));
      ASSERT_TRUE(sh(plain.root(), scripts[i]));
    }
    EXPECT_EQ(listing(scene.tree.root()), "");
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(listing(scene.tree.root()), listing(plain.root()));
    EXPECT_TRUE(scene.snapshots().uncheckpointed().empty());
  });
}

TEST_P(LocalViewsTest, ChangesSideBySideDoNotHideEachOther) {
  live([] {
    Scene scene;
    scene.tree.write("d/x", "x").write("d/y", "y");
    const auto one = scene.open(attempt_of(0));
    const auto two = scene.open(attempt_of(1));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(run_in(*one->sandbox.snapshot, "rm -r d; mkdir d; echo new > d/x"), 0);
    EXPECT_EQ(run_in(*two->sandbox.snapshot, "echo w > d/w; chmod 750 d"), 0);
    EXPECT_EQ(reported(scene.harvest(attempt_of(0)).changes), "* d/x file\n- d/y file\n");
    scene.harvest(attempt_of(1));
    scene.commit(attempt_of(1));
    scene.commit(attempt_of(0));
    const auto three = scene.open(attempt_of(2));
    ASSERT_TRUE(three);
    EXPECT_EQ(run_in(*three->sandbox.snapshot,
                     "test \"$(echo $(ls d))\" = 'w x'; test $(stat -c %a d) = 750"),
              0);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(listing(scene.tree.root()).substr(0, 13), "d folder 750 ");
  });
}

TEST_P(LocalViewsTest, ADeletedFolderThatGotANewFileCannotBeCommitted) {
  live([] {
    Scene scene;
    scene.tree.write("d/x", "x");
    const auto one = scene.open(attempt_of(0));
    const auto two = scene.open(attempt_of(1));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(run_in(*one->sandbox.snapshot, "rm -r d"), 0);
    EXPECT_EQ(run_in(*two->sandbox.snapshot, "echo w > d/w"), 0);
    scene.harvest(attempt_of(0));
    scene.harvest(attempt_of(1));
    scene.commit(attempt_of(1));
    const auto refused = scene.snapshots().commit({attempt_of(0), nullptr}, "r-1/one");
    EXPECT_EQ(refused.error().message, "cannot commit `r-1/one`: the folder `d` got a new `w`");
  });
}

TEST_P(LocalViewsTest, AFolderWithVersionControlDataInItStays) {
  live([] {
    Scene scene;
    scene.tree.write("sub/.git/HEAD", "h").write("sub/a", "a").write("other/.git/HEAD", "h");
    const auto harvest = scene.attempt(attempt_of(0), "rm -r sub; rm -r other; echo f > other");
    EXPECT_EQ(reported(harvest.changes), "- sub/a file\n");
    EXPECT_EQ(fmt::format("{}", fmt::join(harvest.remarks, "\n")),
              "the folder `other` was kept: there is a `.git`, a socket or the like in it\n"
              "the folder `sub` was kept: there is a `.git`, a socket or the like in it");
    scene.commit(attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("sub/.git/HEAD"), "h");
    EXPECT_EQ(scene.read("other/.git/HEAD"), "h");
    EXPECT_EQ(scene.read("sub/a"), "nothing");
  });
}

TEST_P(LocalViewsTest, ContentIsThereAsItWasFoundAndAsItWasLeft) {
  live([] {
    using Side = engine::Snapshots::Side;
    Scene scene;
    scene.tree.write("a", "old").write("gone", "g").write("mode", "m").write("same", "s");
    scene.attempt(attempt_of(0),
                  "echo new > a; rm gone; chmod 755 mode; echo n > fresh; ln -s a l");
    const auto content = [&](const std::string& path, Side side) {
      const auto text = scene.snapshots().content(attempt_of(0), path, side, 100);
      return text ? *text : text.error().message;
    };
    scene.tree.write("a", "a person's");
    EXPECT_EQ(content("a", Side::before), "old");
    EXPECT_EQ(content("a", Side::after), "new\n");
    EXPECT_EQ(content("gone", Side::before), "g");
    EXPECT_EQ(content("gone", Side::after), "cannot read `gone`: No such file or directory");
    EXPECT_EQ(content("mode", Side::before), "m");
    EXPECT_EQ(content("fresh", Side::before), "cannot read `fresh`: No such file or directory");
    EXPECT_EQ(content("same", Side::after), "s");
    EXPECT_EQ(content("l", Side::after), "a") << "of a link its target";
  });
}

TEST_P(LocalViewsTest, AMergedFileGoesInInPlaceOfTheAttemptsOwn) {
  live([] {
    Scene scene;
    scene.tree.write("f", "1\n2\n3\n").write("g", "g");
    const auto one = scene.open(attempt_of(0));
    const auto two = scene.open(attempt_of(1));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(run_in(*one->sandbox.snapshot, "printf '1a\\n2\\n3\\n' > f; chmod 755 f"), 0);
    EXPECT_EQ(run_in(*two->sandbox.snapshot, "printf '1\\n2\\n3b\\n' > f; echo n > new"), 0);
    scene.harvest(attempt_of(0));
    const auto own = scene.harvest(attempt_of(1)).changes;
    scene.commit(attempt_of(0));
    const auto amended = scene.snapshots().amend(attempt_of(1), {{"f", "1a\n2\n3b\n"}});
    ASSERT_TRUE(amended);
    EXPECT_EQ(reported(*amended), "* f file\n+ new file\n");
    EXPECT_EQ(amended->find("f")->before.mode, 0755u);
    // A dispatcher that died before it could note the merge finds the attempt as it was.
    const auto committed = scene.snapshots().uncheckpointed().front();
    const changes::Changeset first = *committed.changes;
    scene.restart();
    ASSERT_TRUE(scene.snapshots().recover({{attempt_of(0), &first}}, {{attempt_of(1), &own}}));
    EXPECT_EQ(scene.snapshots()
                  .content(attempt_of(1), "f", engine::Snapshots::Side::after, 99)
                  .value_or(""),
              "1\n2\n3b\n");
    EXPECT_EQ(scene.snapshots()
                  .content(attempt_of(1), "f", engine::Snapshots::Side::before, 99)
                  .value_or(""),
              "1\n2\n3\n");
    const auto once = scene.snapshots().amend(attempt_of(1), {{"f", "1a\n2\n3b\n"}});
    ASSERT_TRUE(once);
    // Of two amendments the first was noted.
    ASSERT_TRUE(scene.snapshots().amend(attempt_of(1), {{"f", "again"}, {"new", "other"}}));
    scene.restart();
    ASSERT_TRUE(scene.snapshots().recover({{attempt_of(0), &first}}, {{attempt_of(1), &*once}}));
    EXPECT_EQ(scene.snapshots()
                  .content(attempt_of(1), "new", engine::Snapshots::Side::after, 99)
                  .value_or(""),
              "n\n");
    scene.commit(attempt_of(1));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("f"), "1a\n2\n3b\n");
    EXPECT_EQ(listing(scene.tree.root()).substr(0, 11), "f file 755 ");
  });
}

TEST_P(LocalViewsTest, AChecksChangesAreThrownAway) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a");
    const auto one = scene.open(attempt_of(0));
    ASSERT_TRUE(one);
    EXPECT_EQ(run_in(*one->sandbox.snapshot, "echo mine > a; echo new > b"), 0);
    scene.attempt(attempt_of(1), "echo other > c");
    scene.commit(attempt_of(1));
    scene.harvest(attempt_of(0));
    const auto first = scene.open({TaskId(0), 1, 1});
    ASSERT_TRUE(first);
    EXPECT_EQ(run_in(*first->sandbox.snapshot, "grep -q mine a; test ! -e c; rm b; echo x > x"), 0);
    scene.snapshots().discard({TaskId(0), 1, 1});
    const auto second = scene.open({TaskId(0), 1, 2});
    ASSERT_TRUE(second);
    EXPECT_EQ(
        run_in(*second->sandbox.snapshot, "grep -q mine a; test -e b; test -e c; test ! -e x"), 0);
    scene.snapshots().discard({TaskId(0), 1, 2});
    scene.commit(attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("b"), "new\n");
    EXPECT_EQ(scene.read("x"), "nothing");
  });
}

TEST_P(LocalViewsTest, ADiscardedAttemptLeavesNothing) {
  live([] {
    Scene scene;
    scene.attempt(attempt_of(0), "mkdir d; chmod 0 d; echo x > f");
    scene.attempt(attempt_of(1), "echo y > f");
    scene.open(attempt_of(2));
    for (std::size_t i = 0; i < 3; ++i) scene.snapshots().discard(attempt_of(i));
    EXPECT_EQ(listing(scene.state.at("runs/r-1/views")), "");
    scene.attempt(attempt_of(0, 2), "echo again > f");
    scene.commit(attempt_of(0, 2));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("f"), "again\n");
  });
}

TEST_P(LocalViewsTest, ARunThatIsTakenUpKeepsWhatItNeedsAndNothingElse) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a").write("b", "b").write("c", "c");
    scene.attempt(attempt_of(0), "echo folded > a");
    scene.commit(attempt_of(0));
    ASSERT_EQ(scene.checkpoint(), "");
    const auto committed = scene.attempt(attempt_of(1), "echo committed > b").changes;
    scene.commit(attempt_of(1));
    const auto waiting = scene.attempt(attempt_of(2), "echo waiting > c").changes;
    ASSERT_TRUE(scene.open({TaskId(2), 1, 1}));
    const auto running = scene.open(attempt_of(3));
    ASSERT_TRUE(running);
    EXPECT_EQ(run_in(*running->sandbox.snapshot, "mkdir d; chmod 0 d; echo x > c"), 0);
    scene.attempt(attempt_of(4), "echo forgotten > c");

    scene.restart();
    ASSERT_TRUE(
        scene.snapshots().recover({{attempt_of(1), &committed}}, {{attempt_of(2), &waiting}}));
    std::string left;
    for (const std::string& name :
         workspace::Stack(scene.state.at("runs/r-1/views"), {}).below("")) {
      if (std::ranges::count(name, '/') <= 1) left += name + "\n";
    }
    std::string wanted;
    for (const char* task : {"0", "1", "2"}) {
      wanted += fmt::format("task-{0}-attempt-1\n", task);
      for (const char* part :
           {"after", "before", "changes.json", "folded", "opened.json", "reads.json"}) {
        if (std::string(part) != "folded" || std::string(task) == "0")
          wanted += fmt::format("task-{}-attempt-1/{}\n", task, part);
      }
    }
    EXPECT_EQ(left, wanted);
    EXPECT_EQ(scene.snapshots()
                  .content(attempt_of(0), "a", engine::Snapshots::Side::before, 9)
                  .value_or(""),
              "a");
    EXPECT_EQ(scene.snapshots().committed("b", 99).value_or(""), "committed\n");
    EXPECT_EQ(scene.snapshots().committed("c", 99).value_or(""), "c");
    scene.commit(attempt_of(2));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a") + scene.read("b") + scene.read("c"), "folded\ncommitted\nwaiting\n");
  });
}

TEST_P(LocalViewsTest, ChangesTheJournalDoesNotKnowAreNotTakenUp) {
  live([] {
    Scene scene;
    auto other = scene.attempt(attempt_of(0), "echo x > a").changes;
    other.changes.front().path = "b";
    scene.restart();
    const std::vector<engine::AttemptName> first{attempt_of(0)}, never{attempt_of(7)};
    EXPECT_EQ(scene.snapshots().recover({}, {{attempt_of(0), &other}}).value(), first);
    EXPECT_EQ(scene.snapshots().recover({}, {{attempt_of(7), &other}}).value(), never);
    EXPECT_TRUE(scene.snapshots().recover({}, {}).value().empty());
  });
}

TEST_P(LocalViewsTest, KeptChangesThatAreNotWholeAreNamedAndNotTakenUp) {
  live([] {
    const char* spoilt[] = {
        "printf X >> f", "printf XX > f", "rm f",    "rm link; ln -s b link",
        "rm f; mkdir f", "rm -r d",       "rm gone", "rm gone; printf y > gone"};
    for (const char* script : spoilt) {
      for (const bool is_committed : {false, true}) {
        Scene scene;
        scene.tree.write("f", "1").write("gone", "2");
        const auto own =
            scene
                .attempt(attempt_of(0),
                         "printf 22 > f; rm gone; ln -s a link; mkdir -p d/e; printf 3 > d/e/g")
                .changes;
        const auto other = scene.attempt(attempt_of(1), "printf o > other").changes;
        scene.restart();
        ASSERT_TRUE(sh(scene.state.at("runs/r-1/views/task-0-attempt-1/after"), script)) << script;
        const std::vector<engine::Snapshots::Kept> spoilt_one{{attempt_of(0), &own}};
        const std::vector<engine::Snapshots::Kept> none;
        const auto lost = scene.snapshots().recover(is_committed ? spoilt_one : none,
                                                    is_committed ? none : spoilt_one);
        ASSERT_TRUE(lost) << lost.error().message;
        EXPECT_EQ(*lost, std::vector<engine::AttemptName>{attempt_of(0)}) << script;
        EXPECT_TRUE(scene.snapshots().recover({}, {{attempt_of(1), &other}}).value().empty());
        scene.commit(attempt_of(1));
        EXPECT_EQ(scene.checkpoint(), "");
        EXPECT_EQ(scene.read("f") + scene.read("other"), "1o");
      }
    }
  });
}

TEST_P(LocalViewsTest, APowerFailureAfterAHarvestTakesNothingOfIt) {
  live([] {
    Scene scene;
    std::set<std::string> synced;
    scene.tree.write("f", "1").write("gone", "2");
    scene.restart({.on_synced = [&](const std::string& place) { synced.insert(place); }});
    const auto own =
        scene.attempt(attempt_of(0), "printf 22 > f; rm gone; mkdir -p d/e; printf 3 > d/e/g")
            .changes;
    // What was not synced is not there any more, or empty.
    const std::string top = scene.state.at("runs/r-1/views");
    for (const std::string& path : workspace::Stack(top, {}).below("")) {
      const std::string place = top + "/" + path;
      const auto found = workspace::Stack(top, {}).look(path);
      if (!found || !S_ISREG(found->status.st_mode) || synced.contains(place)) continue;
      ASSERT_EQ(::truncate(place.c_str(), 0), 0);
    }
    scene.restart();
    const auto lost = scene.snapshots().recover({}, {{attempt_of(0), &own}});
    ASSERT_TRUE(lost) << lost.error().message;
    EXPECT_TRUE(lost->empty()) << "all of it was synced before it was told";
    EXPECT_EQ(scene.snapshots()
                  .content(attempt_of(0), "gone", engine::Snapshots::Side::before, 9)
                  .value_or(""),
              "2");
    scene.commit(attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("f") + scene.read("d/e/g"), "223");
  });
}

/// What may happen to files that an attempt read or looked for, and changes nothing of what it saw.
TEST_P(LocalViewsTest, OnlyOtherContentIsForeign) {
  live([] {
    const auto foreign_after = [](const char* script) {
      Scene scene;
      sh(scene.tree.root(),
         "mkdir -p d/in p; printf 1 > f; printf 2 > d/in/x; printf 3 > p/seen; ln -s f l");
      EXPECT_TRUE(scene.open(attempt_of(0)));
      EXPECT_TRUE(sh(scene.tree.root(), script)) << script;
      changes::ReadSet reads;
      reads.content = {"d/in/x", "f", "l"};
      reads.presence = {"d/none", "none", "p/seen"};
      reads.listing = {"p"};
      std::string found;
      for (const std::string& path : scene.snapshots().foreign(attempt_of(0), reads, {}))
        found += path + " ";
      scene.snapshots().discard(attempt_of(0));
      return found;
    };
    // An editor, a backup, a build tool, a person who thinks better of it.
    for (const char* script :
         {":", "touch f l d/in/x d", "ln f backup", "cp f t; mv t f", "printf 1 > f", ": > d/.swp",
          ": > .f.swp; rm .f.swp", "chmod 600 f; chmod 644 f", "mv f g; mv g f",
          "printf 9 > p/seen", "printf 5 > f; printf 1 > f", "printf x > none; rm none",
          "rm -r d; mkdir -p d/in; printf 2 > d/in/x", "mv d e; mv e d", ": > p/t; rm p/t"})
      EXPECT_EQ(foreign_after(script), "") << script;
    EXPECT_EQ(foreign_after("printf 2 > f"), "f ");
    EXPECT_EQ(foreign_after("touch -d @0 f; printf 2 > f; touch -d @0 f"), "f ");
    EXPECT_EQ(foreign_after("chmod 700 f"), "f ");
    EXPECT_EQ(foreign_after("rm f"), "f ");
    EXPECT_EQ(foreign_after("rm f; mkdir f"), "f ");
    EXPECT_EQ(foreign_after("ln -sfn d l"), "l ");
    EXPECT_EQ(foreign_after("mv d e; mkdir -p d/in; printf 7 > d/in/x"), "d/in/x ");
    EXPECT_EQ(foreign_after("mkdir -p n/in; printf 7 > n/in/x; mv d e; mv n d"), "d/in/x ");
    EXPECT_EQ(foreign_after("mv d e; ln -s e d"), "d/in/x ");
    EXPECT_EQ(foreign_after("mkdir none"), "none ");
    EXPECT_EQ(foreign_after("printf x > d/none"), "d/none ");
    EXPECT_EQ(foreign_after("rm p/seen"), "p p/seen ");
    EXPECT_EQ(foreign_after(": > p/new"), "p ");
  });
}

TEST_P(LocalViewsTest, InALargeWorkspaceAFolderThatWasSwappedIsForeignToo) {
  live([] {
    Scene scene;
    ASSERT_TRUE(sh(scene.tree.root(),
                   "mkdir -p d/in n/in many; printf 1 > d/in/x; printf 2 > n/in/x; printf 3 > f; "
                   "cd many; seq 4100 | xargs touch"));
    ASSERT_TRUE(sh(scene.state.root(), "touch t; until touch u; [ u -nt t ]; do :; done"));
    EXPECT_TRUE(scene.open(attempt_of(0)));
    changes::ReadSet reads;
    reads.content = {"d/in/x", "f"};
    EXPECT_TRUE(scene.snapshots().foreign(attempt_of(0), reads, {}).empty());
    ASSERT_TRUE(sh(scene.tree.root(), "mv d e; mv n d"));
    EXPECT_EQ(scene.snapshots().foreign(attempt_of(0), reads, {}),
              std::vector<std::string>{"d/in/x"});
    // What was asked for once is known by its content the next time.
    EXPECT_TRUE(scene.open(attempt_of(0, 2)));
    ASSERT_TRUE(sh(scene.tree.root(), "touch f d/in/x; ln f g"));
    EXPECT_TRUE(scene.snapshots().foreign(attempt_of(0, 2), reads, {}).empty());
  });
}

TEST_P(LocalViewsTest, OldContentAboveALimitIsNotKeptAndThisIsSaid) {
  live([] {
    Scene scene;
    ASSERT_TRUE(sh(scene.tree.root(), "truncate -s 67108864 full; truncate -s 67108865 above"));
    const auto harvest = scene.attempt(attempt_of(0), "echo x > full; echo x > above");
    EXPECT_EQ(harvest.remarks, std::vector<std::string>{
                                   "the old content of `above` is not kept: it is above 64 MiB"});
    const auto old = [&](const char* path) {
      return scene.snapshots().content(attempt_of(0), path, engine::Snapshots::Side::before,
                                       1 << 27);
    };
    EXPECT_EQ(old("full").value_or("").size(), 67108864u);
    EXPECT_FALSE(old("above"));
  });
}

TEST_P(LocalViewsTest, AStateFolderInTheWorkspaceIsRefused) {
  live([] {
    workspace::TempTree tree;
    LocalSnapshots snapshots(tree.root(), tree.at("state"), "r-1");
    const auto refused = snapshots.open({.name = attempt_of(0), .writable = {}});
    EXPECT_EQ(refused.error().kind, Error::Kind::refused);
    EXPECT_EQ(refused.error().hint, "choose one outside the workspace with `--state`");
    EXPECT_EQ(listing(tree.root()), "");
  });
}

TEST(LocalSnapshots, AGuardHasNoSnapshotAndIsHeldToItsFootprint) {
  Scene scene;
  scene.tree.write("src/a.cc").write("docs/x.md");
  const footprint::Footprint footprint{
      .reads = {}, .writes = workspace::patterns({"src/**/*.cc", "docs/x.md", "new/deep/**"})};
  const auto opened = scene.snapshots().open({.name = attempt_of(0),
                                              .isolation = plan::Isolation::guard,
                                              .footprint = &footprint,
                                              .writable = {"/own"}});
  ASSERT_TRUE(opened);
  const auto& writable = opened->sandbox.writable;
  EXPECT_FALSE(opened->sandbox.snapshot);
  EXPECT_EQ(opened->sandbox.held_to, footprint);
  EXPECT_EQ(writable.front(), "/own");
  EXPECT_EQ(std::ranges::find(writable, scene.tree.root()), writable.end())
      << "what it may write there is the footprint's to say";
}

}  // namespace
}  // namespace interlock::snapshots
