#include <sys/prctl.h>

#include "contract/enclosed_world.h"

// A snapshot of the workspace: what is done in it stays in it, and what was frozen shows.
namespace interlock::process {
namespace {

using namespace std::chrono_literals;
using plan::Isolation;

class Snapshots : public Sandboxed {};

TEST_P(Snapshots, EditsLandInTheUpperLayerAndNotInTheWorkspace) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/kept", "kept\n");
    site.put("ws/edited", "old\n");
    site.put("ws/gone", "gone\n");
    EXPECT_EQ(site.run("pwd; cat kept edited; echo new >edited; echo made >made; rm gone; ls; "
                       "cat " +
                           site.at("ws/edited"),
                       site.snapshot()),
              site.at("ws") + "\nkept\nold\nedited\nkept\nmade\nnew\n");
    EXPECT_EQ(site.get("ws/edited"), "old\n");
    EXPECT_EQ(site.get("ws/made"), "-");
    EXPECT_EQ(site.get("ws/gone"), "gone\n");
    EXPECT_EQ(site.get("up/edited"), "new\n");
    EXPECT_EQ(site.get("up/made"), "made\n");
    struct stat status{};
    ASSERT_EQ(::lstat(site.at("up/gone").c_str(), &status), 0);
    EXPECT_TRUE(S_ISCHR(status.st_mode));
  });
}

TEST_P(Snapshots, LayersShowNewestFirst) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "workspace\n");
    site.put("ws/b", "workspace\n");
    site.put("ws/c", "workspace\n");
    site.put("old/b", "older\n");
    site.put("old/c", "older\n");
    site.put("new/c", "newer\n");
    auto sandbox = site.snapshot();
    sandbox.snapshot->layers = {site.at("new"), site.at("old")};
    EXPECT_EQ(site.run("cat a b c", sandbox), "workspace\nolder\nnewer\n");
  });
}

TEST_P(Snapshots, PathsMayHoldWhatOptionsAreSeparatedBy) {
  at_site(Isolation::view, [](Site& site) {
    const std::string odd = "o,d:d\\ " + std::string(200, 'x') + "/" + std::string(200, 'y');
    site.put(odd + "/layer/file", "odd\n");
    auto sandbox = site.snapshot();
    std::filesystem::create_directories(site.at(odd + "/up"));
    std::filesystem::create_directories(site.at(odd + "/work"));
    sandbox.snapshot->layers = {site.at(odd + "/layer")};
    sandbox.snapshot->upper = site.at(odd + "/up");
    sandbox.snapshot->work = site.at(odd + "/work");
    EXPECT_EQ(site.run("cat file; echo more >more", sandbox), "odd\n");
    EXPECT_EQ(site.get(odd + "/up/more"), "more\n");
    remove_with_overlay_work(site.at(odd), site.at(odd + "/work"));
  });
}

TEST_P(Snapshots, LayersMayBeMoreThanAPageOfOptionsHolds) {
  at_site(Isolation::view, [](Site& site) {
    constexpr int kLayers = 150;
    auto sandbox = site.snapshot();
    for (int layer = 0; layer < kLayers; ++layer) {
      site.put(fmt::format("layer{}/file", layer), fmt::format("{}\n", layer));
      site.put(fmt::format("layer{}/own{}", layer, layer), "x\n");
      sandbox.snapshot->layers.push_back(site.at(fmt::format("layer{}", layer)));
    }
    const std::string said = site.run("cat file; ls | wc -l", sandbox);
    if (said.find("bytes of options") != std::string::npos) {
      site.not_here = said;
      return;
    }
    EXPECT_EQ(said, "0\n151\n");
  });
}

TEST_P(Snapshots, AProgramThatOnlyALayerHoldsIsFound) {
  at_site(Isolation::view, [](Site& site) {
    site.put("layer/tool", "#!/bin/sh\necho from the layer\n", 0755);
    auto sandbox = site.snapshot();
    sandbox.snapshot->layers = {site.at("layer")};
    EXPECT_EQ(site.run(site.command({"./tool"}, sandbox)), "from the layer\n");
  });
}

TEST_P(Snapshots, ASnapshotThatCannotBeMountedIsSaid) {
  at_site(Isolation::view, [](Site& site) {
    auto sandbox = site.snapshot();
    sandbox.snapshot->upper = site.at("nowhere");
    const std::string said = site.run("true", sandbox);
    EXPECT_TRUE(said.starts_with("cannot start `sh`: cannot ")) << said;
    EXPECT_NE(said.find("No such file or directory"), std::string::npos) << said;
  });
}

TEST_P(Snapshots, ItsNetworkIsALoopbackOfItsOwn) {
  at_site(Isolation::view, [](Site& site) {
    auto sandbox = site.snapshot();
    sandbox.own_network = true;
    const std::string devices = site.run("grep -c : /proc/net/dev; cat /proc/net/dev", sandbox);
    EXPECT_TRUE(devices.starts_with("1\n")) << devices;
    EXPECT_NE(devices.find("lo:"), std::string::npos) << devices;
  });
}

TEST_P(Snapshots, TheDispatcherIsNotToBeReadForAsLongAsItIsOne) {
  at_site(Isolation::view, [](Site& site) {
    auto sandbox = site.snapshot();
    sandbox.own_network = true;
    site.run("true", sandbox);
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    site.close_host();
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
  });
}

TEST_P(Snapshots, NobodyInsideCanTakeTheSnapshotAway) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/file", "old\n");
    site.run("umount . ; umount -l " + site.at("ws") + "; mount -t tmpfs none " + site.at("ws") +
                 "; cd " + site.at("ws") + "; echo new >file",
             site.snapshot());
    EXPECT_EQ(site.get("ws/file"), "old\n");
    EXPECT_EQ(site.get("up/file"), "new\n");
  });
}

/// Gone from its parent, its session and its environment, and never done.
constexpr const char* kDaemon =
    "(env -i setsid sh -c 'trap \"\" TERM; >up; while :; do echo x >>late; sleep 0.01; done' "
    "</dev/null >/dev/null 2>&1 &)\n"
    "until [ -e up ]; do sleep 0.01; done\n";

TEST_P(Snapshots, WhatOutlivesItsRootIsEndedWithIt) {
  for (const Trees trees : {Trees::automatic, Trees::walk}) {
    at_site(Isolation::view, [&](Site& site) {
      site.trees = trees;
      site.run(kDaemon, site.snapshot());
      EXPECT_GE(site.exited.strays, 1u);
      EXPECT_EQ(site.get("ws/late"), "-");
    });
  }
}

/// Lets a dispatcher start this and die by SIGKILL when it is ready.
void leave_behind(Site& site, const engine::SpawnSpec& spec) {
  const pid_t dispatcher = ::fork();
  if (dispatcher == 0) {
    auto host = LocalProcesses::open(site.clock, {.trees = site.trees});
    if (!host || !(*host)->spawn(spec)) ::_exit(1);
    while ((*host)->last_line(spec.name) != "ready") (*host)->wait(site.clock.now() + 5ms);
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(dispatcher, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_P(Snapshots, ItsRootDiesWithTheDispatcher) {
  at_site(Isolation::view, [](Site& site) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    auto sandbox = site.confined_snapshot();
    leave_behind(site, site.shell("echo ready; exec sleep 20", sandbox));
    int status = 0;
    ASSERT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  });
}

TEST_P(Snapshots, WhatADeadDispatcherLeftInOneIsFoundAndEnded) {
  for (const Trees trees : {Trees::automatic, Trees::walk}) {
    at_site(Isolation::view, [&](Site& site) {
      site.trees = trees;
      const auto spec =
          site.shell(std::string(kDaemon) + "echo ready; sleep 1000", site.snapshot());
      leave_behind(site, spec);
      const auto ended = site.host().end_leftovers(spec.label, std::nullopt);
      ASSERT_TRUE(ended) << ended.error().message;
      EXPECT_GE(ended->ended, 1u);
      EXPECT_EQ(site.host().end_leftovers(spec.label, std::nullopt)->ended, 0u);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Who, Snapshots, testing::Values(Who::root, Who::user),
                         [](const auto& who) { return who.param == Who::root ? "root" : "user"; });

}  // namespace
}  // namespace interlock::process
