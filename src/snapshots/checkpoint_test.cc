#include "snapshots/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <chrono>

#include "engine/shortage.h"
#include "snapshots/fixture.h"
#include "sys/asked_to_end.h"
#include "sys/signal_waits.h"

namespace interlock::snapshots {
namespace {

class CheckpointTest : public AsEither {};
INTERLOCK_AS_EITHER(CheckpointTest);

constexpr const char* kBefore = R"sh(
  mkdir -p gone/deep dir2file/x closed; printf 1 > gone/a; printf 2 > gone/deep/b
  printf 3 > dir2file/x/y; printf 4 > file2dir; ln -s gone link; printf 5 > changed
  printf 6 > closed/f; chmod 555 closed; printf 7 > mode
)sh";
constexpr const char* kFirst = R"sh(
  rm -r gone; rm -r dir2file; printf f > dir2file; rm file2dir; mkdir file2dir; printf i > file2dir/in
  rm link; ln -s changed link; printf more >> changed; mkdir -p new/deep; printf n > new/deep/n
  chmod 755 closed; printf c > closed/g; chmod 555 closed; chmod 700 mode
)sh";
constexpr const char* kSecond = R"sh(
  printf again >> changed; rm -r file2dir; printf back > file2dir; rm link; mkdir link; rm new/deep/n
  printf m > new/m; chmod 500 new/deep
)sh";
constexpr const char* kOpenAgain = "chmod -R u+rwX .";

/// Puts both folders back to how they were before the checkpoint.
void restore(const Scene& scene, const std::string& kept) {
  for (const auto& [from, to] : {std::pair{kept + "/tree", scene.tree.root()},
                                 {kept + "/views", scene.state.at("runs/r-1/views")}}) {
    ASSERT_TRUE(
        sh(to, fmt::format("{}; find . -mindepth 1 -delete; cp -a {}/. .", kOpenAgain, from)));
  }
}

TEST_P(CheckpointTest, GoesOnWhereverItWasBrokenOff) {
  live([] {
    // Many rounds, each of which ends on the disk; in memory where there is such a place.
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
    Scene scene;
    workspace::TempTree plain, kept;
    ASSERT_TRUE(sh(scene.tree.root(), kBefore));
    ASSERT_TRUE(sh(plain.root(), fmt::format("{}{}{}", kBefore, kFirst, kSecond)));
    const changes::Changeset first = scene.attempt(attempt_of(0), kFirst).changes;
    scene.commit(attempt_of(0));
    const changes::Changeset second = scene.attempt(attempt_of(1), kSecond).changes;
    scene.commit(attempt_of(1));
    ASSERT_TRUE(sh(kept.root(), fmt::format("cp -a {} tree; cp -a {} views", scene.tree.root(),
                                            scene.state.at("runs/r-1/views"))));
    const std::string wanted = listing(plain.root());
    const std::vector<engine::Snapshots::Kept> committed{{attempt_of(0), &first},
                                                         {attempt_of(1), &second}};
    bool is_over = false;
    int steps = 0;
    for (; !is_over && !testing::Test::HasFailure(); ++steps) {
      restore(scene, kept.root());
      // The dispatcher dies before its step number `steps`.
      is_over = in_child([&] {
        int left = steps;
        scene.restart({.task_ids = {}, .before_step = [&] {
                         if (left-- == 0) ::_exit(9);
                       }});
        EXPECT_TRUE(scene.snapshots().recover(committed, {}));
        EXPECT_EQ(scene.checkpoint(), "");
      });
      scene.restart();
      ASSERT_TRUE(scene.snapshots().recover(committed, {}));
      EXPECT_EQ(scene.checkpoint(), "") << "broken off before step " << steps;
      EXPECT_EQ(listing(scene.tree.root()), wanted) << "broken off before step " << steps;
      EXPECT_EQ(scene.checkpoint(), "");
    }
    EXPECT_GT(steps, 20);
    for (const std::string& root : {plain.root(), kept.root()}) sh(root, kOpenAgain);
  });
}

TEST_P(CheckpointTest, APersonsEditStopsItAndNothingIsChanged) {
  live([] {
    Scene scene;
    scene.tree.write("a", "a").write("b", "b").write("d/x", "x").write("e/y", "y");
    scene.attempt(attempt_of(0), "echo 1 > a; echo 2 > b; rm -r d; echo z > e/z; echo n > n");
    scene.commit(attempt_of(0));
    ASSERT_TRUE(sh(scene.tree.root(), "echo person > b; echo p > d/p; rm -r e; echo p > n"));
    const std::string before = listing(scene.tree.root());
    EXPECT_EQ(scene.checkpoint(), "b\nd/p\ne\nn\n");
    EXPECT_EQ(listing(scene.tree.root()), before);
    // Once the person took that back, it goes through.
    ASSERT_TRUE(sh(scene.tree.root(), "printf b > b; rm d/p n; mkdir e; printf y > e/y"));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("b"), "2\n");
  });
}

/// What a person does in the middle of a checkpoint, at any of its steps.
struct Save {
  const char* how;
  const char* path;
  const char* script;
};

TEST_P(CheckpointTest, WhatAPersonSavesMeanwhileIsNeverLost) {
  live([] {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
    const Save saves[] = {
        {"in place", "changed", "printf person >> changed"},
        {"by rename", "changed", "printf person > t; mv t changed"},
        {"where a file goes", "gone", "printf person > gone"},
        {"where a file comes", "new", "printf person > new"},
        {"where a link comes", "link", "rm -f link; printf person > link"},
        {"in a folder that goes", "d/mine", "mkdir -p d; printf person > d/mine"}};
    for (const Save& save : saves) {
      bool is_over = false;
      for (int step = 0; !is_over && !testing::Test::HasFailure(); ++step) {
        int left = step;
        bool acts = false;
        Scene scene;
        sh(scene.tree.root(),
           "printf 1 > changed; printf 2 > gone; ln -s a link; mkdir d; printf 3 > d/x");
        const auto changes =
            scene
                .attempt(
                    attempt_of(0),
                    "printf 11 > changed; rm gone; printf n > new; rm link; ln -s b link; rm -r d")
                .changes;
        scene.restart({.before_step = [&] {
          if (left-- == 0) acts = sh(scene.tree.root(), save.script);
        }});
        ASSERT_TRUE(scene.snapshots().recover({{attempt_of(0), &changes}}, {}));
        const std::string conflicts = scene.checkpoint();
        is_over = !acts;
        if (is_over) break;
        EXPECT_NE(scene.read(save.path).find("person"), std::string::npos)
            << save.how << " before step " << step << ", told: " << conflicts;
        // Gone over without a word is what must not be: either it is named, or it came last.
        if (conflicts.empty()) continue;
        scene.restart();
        ASSERT_TRUE(scene.snapshots().recover({{attempt_of(0), &changes}}, {}));
        EXPECT_NE(scene.checkpoint(), "") << "the next fold finds it too";
        EXPECT_NE(scene.read(save.path).find("person"), std::string::npos) << save.how;
      }
    }
  });
}

TEST_P(CheckpointTest, WhatAPersonSavedIsKeptAlsoWhenTheFoldDiesOverIt) {
  live([] {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
    bool is_over = false;
    for (int step = 1; !is_over && !testing::Test::HasFailure(); ++step) {
      Scene scene;
      scene.tree.write("changed", "1").write("gone", "2");
      const auto changes = scene.attempt(attempt_of(0), "printf 11 > changed; rm gone").changes;
      // A person saves before one step, and the dispatcher dies before the next.
      is_over = in_child([&] {
        int left = step;
        scene.restart({.before_step = [&] {
          if (--left == 0) sh(scene.tree.root(), "printf person >> changed; printf person > gone");
          if (left == -1) ::_exit(9);
        }});
        EXPECT_TRUE(scene.snapshots().recover({{attempt_of(0), &changes}}, {}));
        (void)scene.checkpoint();
      });
      if (is_over) break;
      scene.restart();
      ASSERT_TRUE(scene.snapshots().recover({{attempt_of(0), &changes}}, {}));
      (void)scene.checkpoint();
      for (const char* path : {"changed", "gone"}) {
        EXPECT_NE(scene.read(path).find("person"), std::string::npos)
            << path << ", died after step " << step;
      }
    }
  });
}

TEST_P(CheckpointTest, FollowsNoLinkOutOfTheWorkspace) {
  live([] {
    Scene scene;
    workspace::TempTree outside;
    outside.write("d/f", "theirs");
    scene.tree.write("d/f", "theirs");
    scene.attempt(attempt_of(0), "echo mine > d/f; echo mine > d/g");
    scene.commit(attempt_of(0));
    ASSERT_TRUE(sh(scene.tree.root(), fmt::format("rm -r d; ln -s {}/d d", outside.root())));
    EXPECT_EQ(scene.checkpoint(), "d\nd/f\n");
    EXPECT_EQ(workspace::read_file(outside.at("d/f"), 10).value_or(""), "theirs");
  });
}

TEST_P(CheckpointTest, WhatAPersonChangedSinceTheSnapshotWasOpenedIsToldApartFromOurFolds) {
  live([] {
    Scene scene;
    scene.tree.write("ours", "1").write("theirs", "1").write("quiet", "1").write("d/gone", "1");
    // Their times have to lie before the snapshot, however coarse the clock of the file system is.
    ASSERT_TRUE(sh(scene.state.root(), "touch t; until touch u; [ u -nt t ]; do :; done"));
    scene.attempt(attempt_of(0), "echo 2 > ours; echo new > made; mkdir nd; echo n > nd/x");
    ASSERT_TRUE(scene.open(attempt_of(1)));
    scene.harvest(attempt_of(1));
    scene.commit(attempt_of(0));
    ASSERT_EQ(scene.checkpoint(), "");
    changes::ReadSet reads;
    reads.content = {"ours", "made", "nd/x", "quiet", "absent"};
    EXPECT_EQ(scene.snapshots().foreign(attempt_of(1), reads, {}), std::vector<std::string>());
    ASSERT_TRUE(sh(scene.tree.root(), "echo p > theirs; rm d/gone; echo p > ours"));
    reads.content = {"d/gone", "ours", "quiet", "theirs"};
    reads.listing = {"d", "nd"};
    EXPECT_EQ(scene.snapshots().foreign(attempt_of(1), reads, {}),
              (std::vector<std::string>{"d", "d/gone", "ours", "theirs"}));
  });
}

TEST(Checkpoint, ADiskThatIsFullLeavesWhatTheNextFoldFinishes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts a small file system";
  EXPECT_TRUE(in_child([] {
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    Scene scene;
    const char* root = scene.tree.root().c_str();
    ASSERT_EQ(::mount("tmpfs", root, "tmpfs", 0, "size=512k"), 0);
    scene.restart();
    scene.tree.write("a", "old").write("gone", "x");
    scene.attempt(attempt_of(0),
                  "echo new > a; rm gone; for i in 1 2 3 4 5 6; do "
                  "head -c 200000 /dev/zero > b$i; done");
    scene.commit(attempt_of(0));
    const auto full = scene.snapshots().checkpoint();
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().message, "cannot write `b3`: No space left on device");
    EXPECT_EQ(scene.read("gone"), "x");
    EXPECT_EQ(scene.snapshots().committed("b6", 1 << 20).value_or("").size(), 200'000u);
    ASSERT_EQ(::mount("tmpfs", root, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("b6").size(), 200'000u);
    EXPECT_EQ(scene.read("gone"), "nothing");
    ::umount2(root, MNT_DETACH);
  }));
}

/// An access list: its owner and user 1234 may read, the owner write. Version 2, then tag, rights
/// and id of each entry.
std::string access_list() {
  std::string list("\2\0\0\0", 4);
  const auto add = [&](char tag, char rights, std::uint32_t id) {
    list += tag;
    list += '\0';
    list += rights;
    list += '\0';
    for (int i = 0; i < 4; ++i) list += static_cast<char>(id >> (8 * i) & 0xff);
  };
  constexpr std::uint32_t kNobody = 0xffffffff;
  add(0x01, 6, kNobody);
  add(0x02, 4, 1234);
  add(0x04, 4, kNobody);
  add(0x10, 4, kNobody);
  add(0x20, 0, kNobody);
  return list;
}

TEST_P(CheckpointTest, ChangedFilesKeepTheirAttributesAccessListsAndOwners) {
  live([] {
    Scene scene;
    ASSERT_TRUE(sh(scene.tree.root(), "printf 1 > a; printf 1 > b"));
    if (::geteuid() == 0) {
      ASSERT_EQ(::chown(scene.tree.at("a").c_str(), kSomeUser, 27), 0);
      ASSERT_EQ(::chown(scene.tree.at("b").c_str(), kSomeUser, 27), 0);
    }
    const std::map<std::string, std::string> wanted{{"user.note", "keep"},
                                                    {"system.posix_acl_access", access_list()}};
    for (const auto& [name, value] : wanted) {
      for (const char* file : {"a", "b"}) {
        if (::setxattr(scene.tree.at(file).c_str(), name.c_str(), value.data(), value.size(), 0) !=
            0)
          GTEST_SKIP() << "no " << name << " on this file system";
      }
    }
    scene.attempt(attempt_of(0), "printf more >> a; printf 2 > a.tmp; cat a.tmp > b; rm a.tmp");
    scene.commit(attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a") + scene.read("b"), "1more2");
    for (const char* file : {"a", "b"}) {
      for (const auto& [name, value] : wanted) {
        std::string got(256, '\0');
        const ssize_t length =
            ::getxattr(scene.tree.at(file).c_str(), name.c_str(), got.data(), got.size());
        got.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        EXPECT_EQ(got, value) << name << " of " << file;
      }
      struct stat status{};
      ASSERT_EQ(::stat(scene.tree.at(file).c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777, 0640u);
      if (::geteuid() == 0) {
        EXPECT_EQ(status.st_uid, kSomeUser);
        EXPECT_EQ(status.st_gid, 27u);
      }
    }
  });
}

TEST_P(CheckpointTest, HolesStayHoles) {
  live([] {
    Scene scene;
    scene.attempt(attempt_of(0), "truncate -s 64M image; printf end >> image");
    scene.commit(attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    struct stat status{};
    ASSERT_EQ(::stat(scene.tree.at("image").c_str(), &status), 0);
    EXPECT_EQ(status.st_size, (64 << 20) + 3);
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
    EXPECT_TRUE(sh(scene.tree.root(), "test \"$(tail -c 3 image)\" = end"));
  });
}

TEST_P(CheckpointTest, OneLargeFileIsBrokenOffForASignalThatWaitsAndForOneThatWasHeard) {
  live([] {
    Scene scene;
    ASSERT_TRUE(sh(scene.tree.root(), "head -c 20M /dev/zero > large"));
    scene.attempt(attempt_of(0), "head -c 40M /dev/urandom > large; cksum < large > sum");
    scene.commit(attempt_of(0));
    const auto is_broken_off = [&scene] {
      const auto done = scene.snapshots().checkpoint();
      return !done && engine::is_interruption(done.error());
    };
    {
      const sys::SignalWaits waits;
      EXPECT_TRUE(is_broken_off());
    }
    sys::end_within(std::chrono::nanoseconds(0));
    EXPECT_TRUE(is_broken_off());
    sys::begin_unasked();
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_TRUE(sh(scene.tree.root(), "test \"$(cksum < large)\" = \"$(cat sum)\""));
  });
}

}  // namespace
}  // namespace interlock::snapshots
