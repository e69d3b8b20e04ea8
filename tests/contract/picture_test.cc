#include <sys/prctl.h>

#include "contract/enclosed_world.h"

// A picture of the workspace: what is done in it stays in it, and what was frozen shows.
namespace interlock::process {
namespace {

using namespace std::chrono_literals;
using plan::Isolation;

class Pictures : public Enclosed {};

TEST_P(Pictures, EditsLandInTheUpperLayerAndNotInTheWorkspace) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/kept", "kept\n");
    site.put("ws/edited", "old\n");
    site.put("ws/gone", "gone\n");
    EXPECT_EQ(site.run("pwd; cat kept edited; echo new >edited; echo made >made; rm gone; ls; "
                       "cat " +
                           site.at("ws/edited"),
                       site.picture()),
              site.at("ws") + "\nkept\nold\nedited\nkept\nmade\nnew\n");
    EXPECT_EQ(site.get("ws/edited"), "old\n");
    EXPECT_EQ(site.get("ws/made"), "-");
    EXPECT_EQ(site.get("ws/gone"), "gone\n");
    EXPECT_EQ(site.get("up/edited"), "new\n");
    EXPECT_EQ(site.get("up/made"), "made\n");
    struct stat status {};
    ASSERT_EQ(::lstat(site.at("up/gone").c_str(), &status), 0);
    EXPECT_TRUE(S_ISCHR(status.st_mode));
  });
}

TEST_P(Pictures, LayersShowNewestFirst) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "workspace\n");
    site.put("ws/b", "workspace\n");
    site.put("ws/c", "workspace\n");
    site.put("old/b", "older\n");
    site.put("old/c", "older\n");
    site.put("new/c", "newer\n");
    auto enclosure = site.picture();
    enclosure.picture->layers = {site.at("new"), site.at("old")};
    EXPECT_EQ(site.run("cat a b c", enclosure), "workspace\nolder\nnewer\n");
  });
}

TEST_P(Pictures, PathsMayHoldWhatOptionsAreSeparatedBy) {
  at_site(Isolation::view, [](Site& site) {
    const std::string odd = "o,d:d\\ " + std::string(200, 'x') + "/" + std::string(200, 'y');
    site.put(odd + "/layer/file", "odd\n");
    auto enclosure = site.picture();
    std::filesystem::create_directories(site.at(odd + "/up"));
    std::filesystem::create_directories(site.at(odd + "/work"));
    enclosure.picture->layers = {site.at(odd + "/layer")};
    enclosure.picture->upper = site.at(odd + "/up");
    enclosure.picture->work = site.at(odd + "/work");
    EXPECT_EQ(site.run("cat file; echo more >more", enclosure), "odd\n");
    EXPECT_EQ(site.get(odd + "/up/more"), "more\n");
    remove_with_overlay_work(site.at(odd), site.at(odd + "/work"));
  });
}

TEST_P(Pictures, LayersMayBeMoreThanAPageOfOptionsHolds) {
  at_site(Isolation::view, [](Site& site) {
    constexpr int kLayers = 150;
    auto enclosure = site.picture();
    for (int layer = 0; layer < kLayers; ++layer) {
      site.put(fmt::format("layer{}/file", layer), fmt::format("{}\n", layer));
      site.put(fmt::format("layer{}/own{}", layer, layer), "x\n");
      enclosure.picture->layers.push_back(site.at(fmt::format("layer{}", layer)));
    }
    const std::string said = site.run("cat file; ls | wc -l", enclosure);
    if (said.find("bytes of options") != std::string::npos) {
      site.not_here = said;
      return;
    }
    EXPECT_EQ(said, "0\n151\n");
  });
}

TEST_P(Pictures, AProgramThatOnlyALayerHoldsIsFound) {
  at_site(Isolation::view, [](Site& site) {
    site.put("layer/tool", "#!/bin/sh\necho from the layer\n", 0755);
    auto enclosure = site.picture();
    enclosure.picture->layers = {site.at("layer")};
    EXPECT_EQ(site.run(site.command({"./tool"}, enclosure)), "from the layer\n");
  });
}

TEST_P(Pictures, APictureThatCannotBeMountedIsSaid) {
  at_site(Isolation::view, [](Site& site) {
    auto enclosure = site.picture();
    enclosure.picture->upper = site.at("nowhere");
    const std::string said = site.run("true", enclosure);
    EXPECT_TRUE(said.starts_with("cannot start `sh`: cannot ")) << said;
    EXPECT_NE(said.find("No such file or directory"), std::string::npos) << said;
  });
}

TEST_P(Pictures, ItsNetworkIsALoopbackOfItsOwn) {
  at_site(Isolation::view, [](Site& site) {
    auto enclosure = site.picture();
    enclosure.own_network = true;
    const std::string devices = site.run("grep -c : /proc/net/dev; cat /proc/net/dev", enclosure);
    EXPECT_TRUE(devices.starts_with("1\n")) << devices;
    EXPECT_NE(devices.find("lo:"), std::string::npos) << devices;
  });
}

TEST_P(Pictures, TheDispatcherIsNotToBeReadForAsLongAsItIsOne) {
  at_site(Isolation::view, [](Site& site) {
    auto enclosure = site.picture();
    enclosure.own_network = true;
    site.run("true", enclosure);
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    site.close_host();
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
  });
}

TEST_P(Pictures, NobodyInsideCanTakeThePictureAway) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/file", "old\n");
    site.run("umount . ; umount -l " + site.at("ws") + "; mount -t tmpfs none " + site.at("ws") +
                 "; cd " + site.at("ws") + "; echo new >file",
             site.picture());
    EXPECT_EQ(site.get("ws/file"), "old\n");
    EXPECT_EQ(site.get("up/file"), "new\n");
  });
}

/// Gone from its parent, its session and its environment, and never done.
constexpr const char* kDaemon =
    "(env -i setsid sh -c 'trap \"\" TERM; >up; while :; do echo x >>late; sleep 0.01; done' "
    "</dev/null >/dev/null 2>&1 &)\n"
    "until [ -e up ]; do sleep 0.01; done\n";

TEST_P(Pictures, WhatOutlivesItsRootIsEndedWithIt) {
  for (const Trees trees : {Trees::automatic, Trees::walk}) {
    at_site(Isolation::view, [&](Site& site) {
      site.trees = trees;
      site.run(kDaemon, site.picture());
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

TEST_P(Pictures, ItsRootDiesWithTheDispatcher) {
  at_site(Isolation::view, [](Site& site) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    auto enclosure = site.confined_picture();
    leave_behind(site, site.shell("echo ready; exec sleep 20", enclosure));
    int status = 0;
    ASSERT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  });
}

TEST_P(Pictures, WhatADeadDispatcherLeftInOneIsFoundAndEnded) {
  for (const Trees trees : {Trees::automatic, Trees::walk}) {
    at_site(Isolation::view, [&](Site& site) {
      site.trees = trees;
      const auto spec = site.shell(std::string(kDaemon) + "echo ready; sleep 1000", site.picture());
      leave_behind(site, spec);
      const auto ended = site.host().end_leftovers(spec.label, std::nullopt);
      ASSERT_TRUE(ended) << ended.error().message;
      EXPECT_GE(ended->ended, 1u);
      EXPECT_EQ(site.host().end_leftovers(spec.label, std::nullopt)->ended, 0u);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Who, Pictures, testing::Values(Who::root, Who::user),
                         [](const auto& who) { return who.param == Who::root ? "root" : "user"; });

}  // namespace
}  // namespace interlock::process
