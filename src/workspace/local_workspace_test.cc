#include "workspace/local_workspace.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utime.h>

#include "engine/shortage.h"
#include "sys/signal_waits.h"
#include "workspace/fixture_tree.h"
#include "workspace/own_places.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;

class LocalWorkspaceTest : public testing::Test {
 protected:
  Digest print(const std::vector<std::string>& texts) {
    return workspace_.fingerprint(patterns(texts)).value();
  }
  std::string names(const std::vector<std::string>& texts) {
    std::string text;
    const auto cache_key_parts = workspace_.fingerprints(patterns(texts)).value();
    for (const engine::CacheKeyPart& one : cache_key_parts) {
      text += one.name + (one.digest == digest_of_absence() ? " (absent)" : "") + "\n";
    }
    return text;
  }
  /// Makes a file look long settled, so that its digest may be kept.
  void let_settle(const std::string& path) {
    // A file's ctime cannot be set; wait for the clock to pass what counts as settled.
    struct stat status{};
    timespec now{};
    do {
      ASSERT_EQ(::stat(tree_.at(path).c_str(), &status), 0);
      ::clock_gettime(CLOCK_REALTIME, &now);
    } while ((now.tv_sec - status.st_ctim.tv_sec) * 1'000'000'000 + now.tv_nsec -
                 status.st_ctim.tv_nsec <
             25'000'000);
  }

  TempTree tree_, state_;
  LocalWorkspace workspace_{tree_.root(), state_.root(), "r-1"};
};

TEST_F(LocalWorkspaceTest, ALongWalkBreaksOffWhereASignalAsksToEnd) {
  for (int i = 0; i < 200; ++i) tree_.write(fmt::format("d/{}", i), "x");
  tree_.write("one", std::string(16 << 20, 'x'));
  const Digest before = print({"d/**"});
  {
    const sys::SignalWaits waits;
    for (const char* pattern : {"d/**", "one"}) {
      const auto broken_off = workspace_.fingerprint(patterns({pattern}));
      ASSERT_FALSE(broken_off) << pattern;
      EXPECT_TRUE(engine::is_interruption(broken_off.error())) << broken_off.error().message;
    }
  }
  EXPECT_EQ(print({"d/**"}), before);
}

TEST_F(LocalWorkspaceTest, AFingerprintFollowsContentNamesAndTheRightToExecute) {
  tree_.write("src/a.cc", "one").write("doc/b.md", "two");
  const Digest before = print({"src/**"});
  EXPECT_EQ(print({"src/**"}), before);
  tree_.write("doc/b.md", "other");
  EXPECT_EQ(print({"src/**"}), before) << "what does not match does not count";

  tree_.write("src/a.cc", "new");
  const Digest changed = print({"src/**"});
  EXPECT_NE(changed, before);
  fs::permissions(tree_.at("src/a.cc"), fs::perms::owner_all);
  const Digest executable = print({"src/**"});
  EXPECT_NE(executable, changed);
  fs::rename(tree_.at("src/a.cc"), tree_.at("src/z.cc"));
  EXPECT_NE(print({"src/**"}), executable);
}

TEST_F(LocalWorkspaceTest, TakesNoFileThatALinkOrAPipeStandsFor) {
  const engine::AttemptName name{TaskId(1), 1, 3};
  const std::string folder = workspace_.open_attempt(name).value();
  const std::string secret = tree_.write("secret", "secret").at("secret");
  fs::create_directory(folder + "/merge");
  fs::create_symlink(secret, folder + "/merge/link");
  fs::create_directory_symlink(tree_.root(), folder + "/linked");
  ASSERT_EQ(::mkfifo((folder + "/merge/pipe").c_str(), 0600), 0);
  for (const char* file : {"merge/link", "linked/secret", "merge/pipe", "merge"})
    EXPECT_FALSE(workspace_.take(name, file, 100)) << file;
  workspace_.close_attempt(name);
}

TEST_F(LocalWorkspaceTest, AnEmptyFolderCounts) {
  tree_.write("src/a.cc");
  const Digest before = print({"src/**"});
  fs::create_directory(tree_.at("src/empty"));
  EXPECT_NE(print({"src/**"}), before);
}

TEST_F(LocalWorkspaceTest, NamesEveryPathSortedAndTheNamedOnesThatAreAbsent) {
  tree_.write("src/b.cc").write("src/a/x.cc").write("src/a.cc");
  EXPECT_EQ(names({"src/**", "missing.txt", "src/none.cc", "*.nothing"}),
            "missing.txt (absent)\nsrc/a\nsrc/a.cc\nsrc/a/x.cc\nsrc/b.cc\nsrc/none.cc (absent)\n");
}

TEST_F(LocalWorkspaceTest, LinksCountByTargetAndByTheFileBehindThem) {
  tree_.write("a", "one");
  fs::create_symlink("a", tree_.at("link"));
  const Digest before = print({"link"});
  tree_.write("a", "two");
  const Digest behind = print({"link"});
  EXPECT_NE(behind, before);
  fs::remove(tree_.at("link"));
  fs::create_symlink("./a", tree_.at("link"));
  EXPECT_NE(print({"link"}), behind);
  fs::remove(tree_.at("a"));
  EXPECT_EQ(names({"link"}), "link\n") << "a dangling link is a link";
}

TEST_F(LocalWorkspaceTest, NamesPipesAndSocketsWithoutOpeningThem) {
  ASSERT_EQ(::mkfifo(tree_.at("pipe").c_str(), 0600), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string place = tree_.at("socket");
  ASSERT_LT(place.size(), sizeof(address.sun_path));
  place.copy(address.sun_path, place.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(socket);
  EXPECT_EQ(names({"**"}), "pipe\nsocket\n");
}

TEST_F(LocalWorkspaceTest, TakesNamesThatAreNoTextAsTheyAre) {
  tree_.write("src/new\nline").write("src/caf\xe9").write("src/-rf *[x]{y}\\");
  EXPECT_EQ(names({"src/**"}), "src/-rf *[x]{y}\\\nsrc/caf\xe9\nsrc/new\nline\n");
}

TEST_F(LocalWorkspaceTest, AnUnreadableFileIsAnErrorThatNamesIt) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  tree_.write("src/secret");
  fs::permissions(tree_.at("src/secret"), fs::perms::none);
  EXPECT_EQ(workspace_.fingerprint(patterns({"src/**"})).error().message,
            "cannot read `src/secret`: Permission denied");
}

TEST_F(LocalWorkspaceTest, ReadsAFilesBytesAgainOnlyWhenItChanged) {
  tree_.write("a", "one").write("b", "two");
  let_settle("b");
  const Digest first = print({"a", "b"});
  EXPECT_EQ(workspace_.hashed_count(), 2u);
  EXPECT_EQ(print({"a", "b"}), first);
  EXPECT_EQ(workspace_.hashed_count(), 2u);
  tree_.write("a", "new");
  EXPECT_NE(print({"a", "b"}), first);
  EXPECT_EQ(workspace_.hashed_count(), 3u);
}

TEST_F(LocalWorkspaceTest, SeesAChangeThatKeptSizeAndModificationTime) {
  tree_.write("a", "one");
  const utimbuf old{1'000'000, 1'000'000};
  ASSERT_EQ(::utime(tree_.at("a").c_str(), &old), 0);
  let_settle("a");
  const Digest before = print({"a"});
  tree_.write("a", "two");
  ASSERT_EQ(::utime(tree_.at("a").c_str(), &old), 0);
  EXPECT_NE(print({"a"}), before);
}

TEST_F(LocalWorkspaceTest, TheStateFolderIsNoPartOfTheWorkspaceAlsoWhenItLiesInIt) {
  tree_.write("a").write("state/interlock.db");
  LocalWorkspace workspace(tree_.root(), tree_.at("state"), "r-1");
  const Digest before = workspace.fingerprint(patterns({"**"})).value();
  tree_.write("state/interlock.db", "more");
  EXPECT_EQ(workspace.fingerprint(patterns({"**"})).value(), before);
}

TEST_F(LocalWorkspaceTest, EachAttemptGetsAFreshFolderThatGoesWithIt) {
  const engine::AttemptName name{TaskId(3), 2, 0};
  const std::string folder = workspace_.open_attempt(name).value();
  EXPECT_TRUE(folder.ends_with("/3-2")) << folder;
  EXPECT_TRUE(fs::is_empty(folder + "/tmp"));
  EXPECT_EQ(workspace_.put(name, "outputs/lint", "[]").value(), folder + "/outputs/lint");
  EXPECT_NE(workspace_.open_attempt({TaskId(3), 2, 1}).value(), folder);

  ASSERT_EQ(workspace_.open_attempt(name).value(), folder);
  EXPECT_FALSE(fs::exists(folder + "/outputs")) << "left over from before";
  fs::create_directory(folder + "/tmp/locked");
  fs::permissions(folder + "/tmp", fs::perms::none);
  workspace_.close_attempt(name);
  EXPECT_FALSE(fs::exists(folder));
  workspace_.close_attempt(name);
}

TEST_F(LocalWorkspaceTest, WhatIsPutIntoAHomeFollowsNoLinkThatATaskLeftThere) {
  TempTree outside;
  outside.write("settings", "theirs").write("other", "theirs");
  const std::string home = workspace_.home(TaskId(3)).value();
  fs::create_symlink(outside.root(), home + "/.client");
  fs::create_symlink(outside.at("other"), home + "/file");
  EXPECT_EQ(workspace_.put_home(TaskId(3), ".client/settings", "ours").value(),
            home + "/.client/settings");
  EXPECT_TRUE(workspace_.put_home(TaskId(3), "file", "ours"));
  EXPECT_EQ(read_file(outside.at("settings"), 10).value(), "theirs");
  EXPECT_EQ(read_file(outside.at("other"), 10).value(), "theirs");
  EXPECT_EQ(read_file(home + "/.client/settings", 10).value(), "ours");
  EXPECT_EQ(read_file(home + "/file", 10).value(), "ours");
  ASSERT_EQ(::unlink((home + "/file").c_str()), 0);
  ASSERT_EQ(::mkfifo((home + "/file").c_str(), 0600), 0);
  EXPECT_TRUE(workspace_.put_home(TaskId(3), "file", "ours"));
  EXPECT_EQ(read_file(home + "/file", 10).value(), "ours");
}

TEST_F(LocalWorkspaceTest, ReadsOnlyBelowTheWorkspace) {
  tree_.write("out/a.json", "[]");
  EXPECT_EQ(workspace_.read("out/a.json", 10).value(), "[]");
  EXPECT_EQ(workspace_.read("../x", 10).error().message,
            "cannot read `../x`: it is not a path below the workspace");
  EXPECT_EQ(workspace_.read("out/none.json", 10).error().kind, Error::Kind::missing);
}

TEST_F(LocalWorkspaceTest, TemporaryFoldersAreShortWhereverTheStateFolderLies) {
  const engine::AttemptName name{TaskId(1234), 10, 2};
  for (const std::string& deep : {std::string("s"), std::string(20, 'x'), std::string(150, 'y')}) {
    LocalWorkspace workspace(tree_.root(), state_.at(deep), "2026-11-26-a-long-name-of-a-run");
    const std::string folder = workspace.open_attempt(name).value();
    EXPECT_LT((folder + "/tmp").size(), kTemporaryBytesMax) << folder;
    EXPECT_NE(workspace.open_attempt({TaskId(1234), 10, 0}).value(), folder);
    EXPECT_EQ(workspace.open_attempt(name).value(), folder);
    LocalWorkspace other(tree_.root(), state_.at(deep), "another run");
    EXPECT_NE(other.open_attempt(name).value(), folder);
    workspace.sweep();
    other.sweep();
    EXPECT_FALSE(fs::exists(folder));
  }
}

TEST_F(LocalWorkspaceTest, ASharedPlaceIsThereUntilTheLastLetsGo) {
  const std::string above = tree_.at("user");
  auto one = SharedPlace::hold({"a", "h"}, above);
  auto two = SharedPlace::hold({"a", "h"}, above);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->path(), above + "/own");
  EXPECT_EQ(two->path(), one->path());
  one.reset();
  EXPECT_TRUE(fs::is_directory(above + "/own/a") && fs::is_directory(above + "/own/h"));
  two.reset();
  EXPECT_FALSE(fs::exists(above));
}

TEST_F(LocalWorkspaceTest, ASharedPlaceOfSomebodyElsesIsNotUsed) {
  fs::create_symlink(tree_.root(), tree_.at("linked"));
  EXPECT_FALSE(SharedPlace::hold({"a"}, tree_.at("linked")));
  fs::create_directories(tree_.at("open"));
  fs::permissions(tree_.at("open"), fs::perms::all);
  EXPECT_FALSE(SharedPlace::hold({"a"}, tree_.at("open")));
  EXPECT_FALSE(fs::exists(tree_.at("open/own")));
}

TEST_F(LocalWorkspaceTest, WhatALinkLeadsToIsReadWithinTheWorkspaceAlone) {
  tree_.write("real/a", "a");
  fs::create_symlink("real", tree_.at("folder"));
  fs::create_symlink(tree_.at("real/a"), tree_.at("whole"));
  fs::create_symlink("/proc/self/environ", tree_.at("keys"));
  fs::create_symlink("/proc/self", tree_.at("self"));
  fs::create_symlink("round", tree_.at("round"));
  EXPECT_EQ(workspace_.read("folder/a", 10).value(), "a");
  EXPECT_EQ(workspace_.read("whole", 10).value(), "a");
  EXPECT_EQ(workspace_.read("keys", 100).error().message,
            "cannot read `keys`: it leads out of the workspace, to `/proc/self/environ`");
  EXPECT_EQ(workspace_.read("self/environ", 100).error().message,
            "cannot read `self/environ`: it leads out of the workspace, to `/proc/self/environ`");
  EXPECT_EQ(workspace_.read("round", 100).error().message,
            "cannot read `round`: its links lead round in circles");
}

TEST_F(LocalWorkspaceTest, AFolderOutsideIsNotEnteredAndNeverTakenToBeAsItWas) {
  TempTree outside;
  outside.write("one").write("deep/two");
  tree_.write("real/a", "a");
  fs::create_symlink(outside.root(), tree_.at("d"));
  fs::create_symlink("real", tree_.at("within"));
  EXPECT_EQ(names({"d", "d/**", "within/**"}),
            "d\nd (which leads out of the workspace)\nd (which leads out of the workspace)\n"
            "within/a\n");
  EXPECT_NE(workspace_.fingerprints(patterns({"d/**"})).value().front().digest,
            workspace_.fingerprints(patterns({"d/**"})).value().front().digest);
  const Digest wrote = print({"d", "d/**"});
  EXPECT_EQ(print({"d", "d/**"}), wrote) << "what it wrote is the link";
  fs::remove(tree_.at("d"));
  fs::create_symlink("/usr", tree_.at("d"));
  EXPECT_NE(print({"d", "d/**"}), wrote);
}

TEST_F(LocalWorkspaceTest, AFileOutsideCountsByItsBytesUnlessTheKernelMakesItUp) {
  TempTree outside;
  outside.write("one", "1");
  fs::create_symlink(outside.at("one"), tree_.at("link"));
  fs::create_symlink("/proc/kmsg", tree_.at("endless"));
  fs::create_symlink(outside.root(), tree_.at("d"));
  const Digest before = print({"link", "d/one", "endless"});
  EXPECT_EQ(print({"link", "d/one", "endless"}), before);
  outside.write("one", "2");
  EXPECT_NE(print({"link"}), before);
  EXPECT_EQ(names({"d/one", "link"}), "d/one\nlink\n");
}

}  // namespace
}  // namespace interlock::workspace
