#include <arpa/inet.h>
#include <sys/socket.h>

#include "contract/enclosed_world.h"

// What an attempt must not do, tried: it comes to nothing, and is told.
namespace interlock::process {
namespace {

using engine::Sandbox;
using plan::Isolation;

class Confined : public Sandboxed {};

TEST_P(Confined, WritingOutsideIsStoppedAndNamed) {
  at_site(Isolation::view, [](Site& site) {
    site.put("out/file", "old\n");
    site.put("ws/mine", "mine\n");
    const std::string out = site.at("out");
    EXPECT_EQ(site.run("echo x >" + out + "/file; echo x >" + out + "/made; rm -f " + out +
                           "/file; mkdir " + out + "/folder; mv mine " + out +
                           "/moved; "
                           "chmod 0600 " +
                           out + "/file; cat " + out +
                           "/file; echo x >/dev/null && "
                           "echo x >" +
                           site.at("tmp/t") + " && echo x >mine && echo done",
                       site.confined_snapshot()),
              "old\ndone\n");
    EXPECT_EQ(site.kept_from(), "w out/file\nw out/folder\nw out/made\nw out/moved\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_EQ(site.get("out/file"), "old\n");
    EXPECT_EQ(std::filesystem::status(site.at("out/file")).permissions(),
              std::filesystem::perms(0644));
    EXPECT_EQ(site.get("tmp/t"), "x\n");
  });
}

TEST_P(Confined, AFolderOfItsOwnIsAtAnotherPathForItAlone) {
  at_site(Isolation::view, [](Site& site) {
    site.put("tmp/t", "own\n");
    std::filesystem::create_directories(site.at("place"));
    auto sandbox = site.confined_snapshot();
    sandbox.binds = {{site.at("tmp"), site.at("place")}};
    sandbox.writable = {site.at("ws"), site.at("place")};
    EXPECT_EQ(site.run("cat " + site.at("place/t") + "; echo new >" + site.at("place/made") +
                           "; cat " + site.at("tmp/made") + "; echo x >" + site.at("out/file"),
                       sandbox),
              "own\nnew\n");
    EXPECT_EQ(site.kept_from(), "w out/file\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_EQ(site.get("tmp/made"), "new\n");
    EXPECT_TRUE(std::filesystem::is_empty(site.at("place")));
  });
}

TEST_P(Confined, AFolderOfItsOwnIsAtAnotherPathAlsoWithoutASnapshot) {
  at_site(Isolation::guard, [](Site& site) {
    if (!may_bind(site.at("tmp"))) return;  // Only root has mounts of its own there.
    site.put("tmp/t", "own\n");
    std::filesystem::create_directories(site.at("place"));
    auto sandbox = site.guard({}, {"mine"});
    sandbox.binds = {{site.at("tmp"), site.at("place")}};
    sandbox.writable.push_back(site.at("place"));
    EXPECT_EQ(site.run("cat " + site.at("place/t") + "; echo new >" + site.at("place/made") +
                           "; echo x >mine; echo x >other",
                       sandbox),
              "own\n");
    EXPECT_EQ(site.kept_from(), "w ws/other\n");
    EXPECT_EQ(site.get("tmp/made") + site.get("ws/mine"), "new\nx\n");
    EXPECT_TRUE(std::filesystem::is_empty(site.at("place")));
  });
}

TEST_P(Confined, NoLinkLeadsOut) {
  at_site(Isolation::view, [](Site& site) {
    site.put("out/file", "old\n");
    std::filesystem::create_symlink("../out/file", site.at("ws/link"));
    std::filesystem::create_symlink(site.at("out"), site.at("ws/folder"));
    site.run("echo x >link; echo x >folder/made; ln " + site.at("out/file") +
                 " hard && echo x >hard; ln -s " + site.at("out/soft") + " soft; echo x >soft",
             site.confined_snapshot());
    EXPECT_EQ(site.kept_from(), "w out/file\nw out/made\nw out/soft\n");
    EXPECT_EQ(site.get("out/file"), "old\n");
    EXPECT_EQ(site.get("out/made") + site.get("out/soft"), "--");
  });
}

TEST_P(Confined, NoProcessLeadsOut) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/file", "old\n");
    site.put("out/file", "old\n");
    const std::string dispatcher = fmt::format("/proc/{}/root", ::getpid());
    site.run("echo x >/proc/self/root" + site.at("out/file") + "; echo x >" + dispatcher +
                 site.at("out/made") + "; echo x >" + dispatcher + site.at("ws/file") +
                 "; echo x >/proc/self/root" + site.at("ws/seen"),
             site.confined_snapshot());
    EXPECT_EQ(site.kept_from(), fmt::format("w {0}{1}\nw {0}{2}\nw out/file\n", dispatcher,
                                            site.at("out/made"), site.at("ws/file")));
    EXPECT_EQ(site.get("out/file") + site.get("out/made") + site.get("ws/file"), "old\n-old\n");
    EXPECT_EQ(site.get("up/seen"), "x\n");
  });
}

TEST_P(Confined, MountingComesToNothing) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/file", "old\n");
    site.run("umount -l . ; mount --bind " + site.at("out") + " . ; cd " + site.at("ws") +
                 "; echo x >file; echo x >made",
             site.confined_snapshot());
    EXPECT_EQ(site.get("ws/file") + site.get("out/made"), "old\n-");
    EXPECT_EQ(site.get("up/file") + site.get("up/made"), "x\nx\n");
  });
}

TEST_P(Confined, ADaemonThatWritesOutsideIsStoppedToo) {
  at_site(Isolation::view, [](Site& site) {
    site.run(
        "(setsid sh -c 'echo x >" + site.at("out/late") +
            "; >up; while :; do echo x >>late; sleep 0.01; done' </dev/null >/dev/null 2>&1 &)\n"
            "until [ -e up ]; do sleep 0.01; done",
        site.confined_snapshot());
    EXPECT_GE(site.exited.strays, 1u);
    EXPECT_EQ(site.kept_from(), "w out/late\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_EQ(site.get("out/late") + site.get("ws/late"), "--");
  });
}

TEST_P(Confined, ItCannotSignalWhoStartedIt) {
  at_site(Isolation::guard, [](Site& site) {
    if (landlock_abi() < 6) {
      site.not_here = "Landlock keeps signals in from its sixth edition on";
      return;
    }
    EXPECT_EQ(site.run(fmt::format("kill -0 {} 2>/dev/null || echo denied", ::getpid()),
                       site.confined_snapshot()),
              "denied\n");
  });
}

/// The number of a port on the host's loopback that somebody listens on.
int listen_on_loopback(Fd& listener) {
  listener = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listener.get(), 4), 0);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

TEST_P(Confined, ItsOwnNetworkDoesNotReachTheHosts) {
  at_site(Isolation::view, [](Site& site) {
    Fd listener;
    const int port = listen_on_loopback(listener);
    // bash speaks TCP by itself.
    const std::string connect = fmt::format(
        "bash -c '(: </dev/tcp/127.0.0.1/{}) 2>/dev/null' && echo reached || echo kept apart",
        port);
    auto sandbox = site.confined_snapshot();
    EXPECT_EQ(site.run(connect, sandbox), "reached\n");
    sandbox.own_network = true;
    std::filesystem::remove_all(site.at("up"));
    std::filesystem::create_directories(site.at("up"));
    remove_with_overlay_work(site.at("work"), site.at("work"));
    std::filesystem::create_directories(site.at("work"));
    EXPECT_EQ(site.run(connect, sandbox), "kept apart\n");
  });
}

TEST_P(Confined, GuardKeepsToThePatterns) {
  at_site(Isolation::guard, [](Site& site) {
    site.put("ws/src/a.md", "a\n");
    site.put("ws/src/a.cc", "secret\n");
    site.put("ws/notes/other.md", "other\n");
    site.put("ws/.git/HEAD", "head\n");
    site.put("out/file", "old\n");
    EXPECT_EQ(
        site.run("cat src/a.md .git/HEAD; cat src/a.cc 2>/dev/null || echo denied; "
                 "cat missing 2>&1; echo n >notes/n.md && echo written; "
                 "echo x >notes/other.md || echo denied; mkdir -p deep/er && "
                 "echo x >deep/er/file; cat deep/er/file; ls . src; ls notes 2>/dev/null; "
                 "echo x >" +
                     site.at("out/file") + "; echo x >" + site.at("tmp/t") + "; cat notes/n.md",
                 site.guard({"src/*.md"}, {"notes/n.md", "deep/er/**"})),
        "a\nhead\ndenied\ncat: missing: No such file or directory\nwritten\ndenied\n"
        "x\n.:\ndeep\nnotes\nsrc\n\nsrc:\na.cc\na.md\nn.md\nother.md\nn\n");
    EXPECT_EQ(site.kept_from(), "w out/file\nw ws/notes/other.md\nr ws/src/a.cc\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_EQ(site.get("ws/notes/n.md") + site.get("ws/notes/other.md"), "n\nother\n");
    EXPECT_EQ(site.get("out/file") + site.get("tmp/t"), "old\nx\n");
  });
}

TEST_P(Confined, ADeclaredFolderTurnedIntoALinkLeadsNowhere) {
  at_site(Isolation::guard, [](Site& site) {
    site.put("out/file", "old\n");
    const auto sandbox = site.guard({}, {"d/**", "d", "deep/er/*"});
    site.run("ln -s " + site.at("out") + " d && mkdir deep && ln -s ../../out deep/er", sandbox);
    EXPECT_TRUE(std::filesystem::is_symlink(site.at("ws/d")));
    site.run("echo x >d/file; echo x >d/made; echo x >deep/er/made; rm -f d/file", sandbox);
    EXPECT_EQ(site.get("out/file") + site.get("out/made"), "old\n-");
    EXPECT_EQ(site.kept_from(), "w out/file\nw out/made\n");
  });
}

TEST_P(Confined, ADeclaredPathThatIsALinkCanBeReplaced) {
  at_site(Isolation::guard, [](Site& site) {
    site.put("out/file", "old\n");
    std::filesystem::create_symlink("../out/file", site.at("ws/d"));
    std::filesystem::create_symlink("../out", site.at("ws/e"));
    EXPECT_EQ(site.run("rm d && echo new >d && cat d && rm e && mkdir e && echo new >e/in && echo "
                       "done",
                       site.guard({}, {"d", "e", "e/**"})),
              "new\ndone\n");
    EXPECT_EQ(site.kept_from(), "");
    EXPECT_EQ(site.get("out/file") + site.get("ws/e/in"), "old\nnew\n");
  });
}

TEST_P(Confined, GuardDoesNotExecuteWhatIsNotDeclared) {
  at_site(Isolation::guard, [](Site& site) {
    site.put("ws/tool", "#!/bin/sh\necho hi\n", 0755);
    EXPECT_EQ(site.run(site.command({"./tool"}, site.guard({"src/**"}, {}))),
              "cannot execute `./tool`: Permission denied\n"
              "hint: where it is kept to a footprint, that has to hold the program too");
    EXPECT_EQ(site.run(site.command({"./tool"}, site.guard({"tool"}, {}))), "hi\n");
  });
}

INSTANTIATE_TEST_SUITE_P(Who, Confined, testing::Values(Who::root, Who::user),
                         [](const auto& who) { return who.param == Who::root ? "root" : "user"; });

}  // namespace
}  // namespace interlock::process
