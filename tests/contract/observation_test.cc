#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <stdexcept>

#include "contract/enclosed_world.h"

// What is seen of an attempt's dealings with files: all that was asked for, and nothing that it did
// not do.
namespace interlock::process {
namespace {

using engine::Sandbox;
using plan::Isolation;
using testing::ElementsAre;
using testing::IsEmpty;

class Observed : public Sandboxed {
 protected:
  /// In the workspace itself: a snapshot's upper layer is mounted only once.
  static Sandbox in_the_open(const Site& site) {
    Sandbox sandbox;
    sandbox.workspace = site.at("ws");
    sandbox.watch = Sandbox::Watch::all;
    return sandbox;
  }
  static Sandbox watched(const Site& site, Sandbox::Watch watch) {
    auto sandbox = site.snapshot();
    sandbox.watch = watch;
    return sandbox;
  }
};

TEST_P(Observed, AScriptOpensWhatItReadsAndLooksAtWhatItTests) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "needle\n");
    site.put("ws/sub/b", "hay\n");
    site.put("ws/sub/c", "needle\n");
    site.put("ws/untouched", "x\n");
    EXPECT_EQ(site.run("cat a; cat ./sub/../gone 2>/dev/null; grep -rl needle sub; test -e flag || "
                       "echo none; ls sub; echo x >made",
                       watched(site, Sandbox::Watch::all)),
              "needle\nsub/c\nnone\nb\nc\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_THAT(site.in_workspace(site.observed.opened),
                ElementsAre("a", "gone", "sub", "sub/b", "sub/c"));
    EXPECT_TRUE(site.in_workspace(site.observed.looked_at).contains("flag"));
    EXPECT_TRUE(site.in_workspace(site.observed.looked_at).contains("made"));
    EXPECT_FALSE(site.in_workspace(site.observed.looked_at).contains("untouched"));
    EXPECT_THAT(site.observed.denied, IsEmpty());
  });
}

TEST_P(Observed, OpensAreToldWithoutLooks) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    site.run("cat a; test -e flag; cat gone; echo x >made", watched(site, Sandbox::Watch::opens));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_THAT(site.in_workspace(site.observed.opened), ElementsAre("a", "gone"));
    EXPECT_THAT(site.observed.looked_at, IsEmpty());
  });
}

TEST_P(Observed, ChangesAreToldWithoutReads) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    site.run("cat a; echo x >made", watched(site, Sandbox::Watch::changes));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_THAT(site.in_workspace(site.observed.opened), IsEmpty());
  });
}

TEST_P(Observed, EveryWriteIsToldWhateverComesOfIt) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/same", "x\n");
    site.put("ws/read", "x\n");
    site.put("ws/moved", "x\n");
    site.put("ws/linked", "x\n");
    site.put("ws/old", "x\n");
    site.run(
        "cat read; echo x >same; echo y >passing; rm passing; mv moved here; ln linked second; "
        "rm old; mkdir folder; rm -f never",
        watched(site, Sandbox::Watch::changes));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    const auto written = site.in_workspace(site.observed.written);
    for (const char* path : {"same", "passing", "moved", "here", "second", "old", "folder"})
      EXPECT_TRUE(written.contains(path)) << path;
    EXPECT_FALSE(written.contains("read"));
    EXPECT_FALSE(written.contains("linked")) << "a second name changes nothing in it";
  });
}

TEST_P(Observed, WhoBuildsOnWhatAFileHeldIsToldApart) {
  at_site(Isolation::view, [](Site& site) {
    for (const char* file : {"anew", "added", "read", "moved"})
      site.put(fmt::format("ws/{}", file), "x\n");
    site.run(
        "echo y >anew; cat anew; echo y >>added; echo y >>made; cat read; echo y >read; "
        "echo y >new; echo z >>new; mv moved here; cat tried || echo y >tried; "
        "mkdir folder",
        watched(site, Sandbox::Watch::all));
    EXPECT_THAT(site.in_workspace(site.observed.updated),
                ElementsAre("added", "folder", "made", "read", "tried"))
        << "neither what was written anew first nor what was moved";
  });
}

TEST_P(Observed, AScriptsInterpreterCountsAsOpened) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/tool", "#! ./bin/shell -e\necho hi\n", 0755);
    site.put("ws/bin/shell", "#!/bin/sh\necho run by the interpreter\n", 0755);
    EXPECT_EQ(site.run(site.command({"./tool"}, watched(site, Sandbox::Watch::opens))),
              "run by the interpreter\n");
    EXPECT_THAT(site.in_workspace(site.observed.opened), ElementsAre("bin/shell", "tool"));
  });
}

TEST_P(Observed, WhatIsReadThroughADescriptorIsNamedByItsPath) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/sub/a", "x\n");
    site.run("cd sub; exec 3<a; cat /proc/self/fd/3 >/dev/null; cat /dev/fd/3 >/dev/null",
             watched(site, Sandbox::Watch::opens));
    EXPECT_THAT(site.in_workspace(site.observed.opened), ElementsAre("sub/a"));
  });
}

TEST_P(Observed, NoPathEndsWhoeverIsToldOfIt) {
  for (const auto isolation : {Isolation::view, Isolation::guard}) {
    at_site(isolation, [isolation](Site& site) {
      site.put("ws/a", "x\n");
      const auto sandbox = isolation == Isolation::view ? watched(site, Sandbox::Watch::all)
                                                        : site.guard({"**"}, {"**"});
      EXPECT_EQ(
          site.run(
                  "touch /proc/self/fd/1/../x; echo >/proc/self/fd/2/..; cat /proc/self/fd/1/a/b\n"
                  "touch /dev/fd/0/.. /dev/stdout/../.. /proc/self/exe/../x "
                  "/proc/self/ns/mnt/../x\n"
                  "mkdir d; cd d; rmdir ../d; cat x ./y ../a; touch z; cd ..\n"
                  "n=$(head -c 254 /dev/zero | tr '\\0' n); cat $n $n$n; touch \"$(printf "
                  "'\\377\\n')\"\n"
                  "ln -s l l; cat l; i=0\n"
                  "while [ $i -lt 30 ]; do mkdir $n 2>&-; cd $n || break; i=$((i+1)); done; cat x\n"
                  "echo alive",
                  sandbox)
              .ends_with("alive\n"),
          true);
      EXPECT_EQ(site.observed.broken, "");
      EXPECT_EQ(site.exited.exit_code, 0);
      EXPECT_EQ(site.run("cat a", in_the_open(site)), "x\n") << "the next is served as well";
    });
  }
}

TEST_P(Observed, WhatCannotBePlacedMayHaveBeenAnything) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    site.put("ws/d/b", "x\n");
    site.run("cd d; rm b; rmdir ../d; cat ../a", watched(site, Sandbox::Watch::all));
    EXPECT_FALSE(site.observed.complete);
    EXPECT_TRUE(site.observed.may_have_read_anything);
    EXPECT_THAT(site.observed.gap, testing::HasSubstr("from a folder that was deleted"));
    site.run("cd $TMPDIR; mkdir t; cd t; rmdir ../t; cat x; ls .", in_the_open(site));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
  });
}

TEST_P(Observed, LinksOutsideThatLeadInAreFollowedWhenTheyAreUsed) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    site.put("ws/sub/b", "x\n");
    site.put("ws/c", "x\n");
    site.put("ws/deep/d/e", "x\n");
    site.put("ws/deep/f", "x\n");
    std::filesystem::create_symlink("deep/d", site.at("ws/link"));
    // None of the links is there any more when it ends.
    site.run(
        "ln -s $PWD/a $TMPDIR/l; cat $TMPDIR/l; rm $TMPDIR/l\n"
        "ln -s $PWD/sub $TMPDIR/s; cat $TMPDIR/s/b; rm $TMPDIR/s\n"
        "cat /proc/self/cwd/c; cat link/../f",
        watched(site, Sandbox::Watch::all));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    const auto opened = site.in_workspace(site.observed.opened);
    for (const char* path : {"a", "sub/b", "c", "deep/f"})
      EXPECT_TRUE(opened.contains(path)) << path;
    EXPECT_TRUE(site.in_workspace(site.observed.looked_at).contains("link"));
  });
}

TEST_P(Observed, LinksOfItsOwnAreFollowedBeforeTheyAreGone) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    site.put("ws/b", "x\n");
    site.put("ws/c", "x\n");
    site.run("ln -s a l; cat l; rm l; mv b o; cat o; mv o b; ln c h; cat h; rm h",
             watched(site, Sandbox::Watch::all));
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    const auto opened = site.in_workspace(site.observed.opened);
    for (const char* path : {"a", "b", "c"}) EXPECT_TRUE(opened.contains(path)) << path;
  });
}

TEST_P(Observed, AFailureOfTheObserverEndsThatAttemptAlone) {
  at_site(Isolation::direct, [](Site& site) {
    std::atomic<bool> fails = false;
    site.before_answer = [&] {
      if (fails) throw std::length_error("made to fail");
    };
    Sandbox sandbox;
    sandbox.workspace = site.at("ws");
    sandbox.watch = Sandbox::Watch::all;
    EXPECT_EQ(site.run("echo hi", sandbox), "hi\n");
    const auto spec = site.shell("echo ready; while :; do test -e x; done", sandbox);
    ASSERT_TRUE(site.host().spawn(spec));
    site.until_said(spec, "ready");
    fails = true;
    EXPECT_TRUE(site.until_exit().signal);
    EXPECT_FALSE(site.host().observed(spec.name).complete);
    EXPECT_EQ(site.host().observed(spec.name).broken, "made to fail");
    fails = false;
    EXPECT_EQ(site.run("echo hi", sandbox), "hi\n");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
  });
}

TEST_P(Observed, AChildThatLostItsListenerDiesAndSaysWhy) {
  at_site(Isolation::direct, [](Site& site) {
    Sandbox sandbox;
    sandbox.workspace = site.at("ws");
    sandbox.watch = Sandbox::Watch::opens;
    EXPECT_EQ(site.run("echo hi", sandbox), "hi\n");
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    // One descriptor less each time, until nothing can be started.
    std::set<std::string> refused;
    for (rlim_t most = 60; most > 8; --most) {
      const rlimit limit{most, before.rlim_max};
      ::setrlimit(RLIMIT_NOFILE, &limit);
      const std::string said = site.run("echo hi", sandbox);
      if (said != "hi\n") refused.insert(said);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_FALSE(refused.empty());
    for (const std::string& said : refused)
      EXPECT_THAT(said, testing::HasSubstr("Too many open files"));
    EXPECT_EQ(site.run("echo hi", sandbox), "hi\n");
  });
}

TEST_P(Observed, PythonIsObservedLikeAnyOther) {
  at_site(Isolation::view, [](Site& site) {
    if (::access("/usr/bin/python3", X_OK) != 0) {
      site.not_here = "there is no /usr/bin/python3";
      return;
    }
    site.put("ws/data.json", "{}\n");
    site.put("ws/module.py",
             "import json, os\njson.load(open('data.json'))\n"
             "os.path.exists('maybe')\nos.listdir('.')\n");
    auto spec = site.command({"/usr/bin/python3", "-c",
                              "import sys; sys.path.insert(0, '.'); "
                              "sys.dont_write_bytecode = True; import module"},
                             watched(site, Sandbox::Watch::all));
    site.run(spec);
    EXPECT_EQ(site.exited.exit_code, 0);
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    const auto opened = site.in_workspace(site.observed.opened);
    for (const char* path : {".", "data.json", "module.py"})
      EXPECT_TRUE(opened.contains(path)) << path;
    EXPECT_TRUE(site.in_workspace(site.observed.looked_at).contains("maybe"));
  });
}

TEST_P(Observed, AStaticBinaryIsObservedLikeAnyOther) {
  at_site(Isolation::view, [](Site& site) {
    site.put("out/reader.c",
             "#include <fcntl.h>\n#include <sys/stat.h>\n"
             "int main(void) { struct stat s; open(\"a\", O_RDONLY); open(\"gone\", O_RDONLY);\n"
             "  return stat(\"b\", &s) == 0; }\n");
    const std::string build =
        "cc -static -o " + site.at("out/reader") + " " + site.at("out/reader.c");
    if (::system((build + " 2>/dev/null").c_str()) != 0) {
      site.not_here = "there is no C compiler with a static C library";
      return;
    }
    site.put("ws/a", "x\n");
    site.run(site.command({site.at("out/reader")}, watched(site, Sandbox::Watch::all)));
    EXPECT_THAT(site.in_workspace(site.observed.opened), ElementsAre("a", "gone"));
    EXPECT_THAT(site.in_workspace(site.observed.looked_at), ElementsAre("b"));
  });
}

TEST_P(Observed, SoFarIsKnownWhileItRuns) {
  at_site(Isolation::view, [](Site& site) {
    site.put("ws/a", "x\n");
    const auto spec =
        site.shell("cat a; echo ready; sleep 1000", watched(site, Sandbox::Watch::opens));
    ASSERT_TRUE(site.host().spawn(spec));
    site.until_said(spec, "ready");
    const auto so_far = site.host().observed(spec.name);
    EXPECT_FALSE(so_far.complete);
    EXPECT_EQ(so_far.gap, "it still runs");
    EXPECT_THAT(site.in_workspace(so_far.opened), ElementsAre("a"));
    site.host().stop(spec.name, Duration{0});
    site.until_exit();
    EXPECT_TRUE(site.host().observed(spec.name).complete);
  });
}

TEST_P(Observed, WhatIsKilledInTheMiddleWasSeenUntilThen) {
  at_site(Isolation::view, [](Site& site) {
    const auto spec = site.shell(
        "for job in 1 2 3 4; do (while :; do cat none 2>&-; test -e x; done) & done\n"
        "until cat none 2>&- || test -e none; do echo busy; done",
        watched(site, Sandbox::Watch::all));
    ASSERT_TRUE(site.host().spawn(spec));
    site.until_said(spec, "busy");
    site.host().stop(spec.name, Duration{0});
    EXPECT_TRUE(site.until_exit().signal);
    const auto observed = site.host().observed(spec.name);
    EXPECT_TRUE(observed.complete) << observed.gap;
    EXPECT_THAT(site.in_workspace(observed.opened), ElementsAre("none"));
  });
}

TEST_P(Observed, ATreeThatManyProcessesReadIsSeenWhole) {
  at_site(Isolation::view, [](Site& site) {
    constexpr int kFiles = 400;
    std::set<std::string> expected;
    for (int i = 0; i < kFiles; ++i) {
      const std::string folder = fmt::format("d{}/e{}", i % 7, i % 3);
      site.put(fmt::format("ws/{}/f{}", folder, i), "needle\n");
      expected.insert({folder, fmt::format("d{}", i % 7), fmt::format("{}/f{}", folder, i)});
    }
    expected.insert(".");
    site.run("find . -type f -print0 | xargs -0 -n 20 -P 8 grep -l needle >/dev/null; cat gone",
             watched(site, Sandbox::Watch::opens));
    expected.insert("gone");
    EXPECT_TRUE(site.observed.complete) << site.observed.gap;
    EXPECT_EQ(site.in_workspace(site.observed.opened), expected);
  });
}

TEST_P(Observed, ManyAtOnceAreToldApart) {
  at_site(Isolation::direct, [](Site& site) {
    constexpr int kAttempts = 12;
    std::vector<engine::SpawnSpec> specs;
    for (int i = 0; i < kAttempts; ++i) {
      Sandbox sandbox;
      sandbox.workspace = site.at("ws");
      sandbox.watch = Sandbox::Watch::opens;
      specs.push_back(
          site.shell(fmt::format("for i in 1 2 3 4 5; do cat own-{} 2>&-; done", i), sandbox));
      ASSERT_TRUE(site.host().spawn(specs.back()));
    }
    for (int i = 0; i < kAttempts; ++i) site.until_exit();
    for (int i = 0; i < kAttempts; ++i) {
      const auto observed = site.host().observed(specs[i].name);
      EXPECT_TRUE(observed.complete) << observed.gap;
      EXPECT_THAT(site.in_workspace(observed.opened), ElementsAre(fmt::format("own-{}", i)));
    }
  });
}

/// Makes this process one whose calls (none of them) are told to somebody: itself.
Fd watch_this_process() {
  sock_filter allow_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{1, allow_all};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return Fd(static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter)));
}

TEST_P(Observed, AnAttemptThatCannotBeWatchedRunsAndSaysWhy) {
  at_site(Isolation::direct, [](Site& site) {
    const Fd listener = watch_this_process();
    ASSERT_TRUE(listener);
    Sandbox sandbox;
    sandbox.workspace = site.at("ws");
    sandbox.watch = Sandbox::Watch::opens;
    EXPECT_EQ(site.run("echo hi", sandbox), "hi\n");
    EXPECT_FALSE(site.observed.complete);
    EXPECT_EQ(site.observed.gap, "another program already watches what this one starts");
  });
}

INSTANTIATE_TEST_SUITE_P(Who, Observed, testing::Values(Who::root, Who::user),
                         [](const auto& who) { return who.param == Who::root ? "root" : "user"; });

TEST(Host, EveryAbilityIsTriedOutAndSaysWhatItIs) {
  std::string name = (std::filesystem::temp_directory_path() / "interlock-host-XXXXXX").string();
  const std::string folder = ::mkdtemp(name.data());
  const auto abilities = probe_host(folder);
  std::string names;
  for (const HostAbility& ability : abilities) {
    names += ability.name + "\n";
    EXPECT_TRUE(ability.there || !ability.why.empty()) << ability.name;
  }
  EXPECT_EQ(names,
            "user namespaces\nviews\nviews in layers\nlandlock\nobserver\ncgroup trees\nown "
            "network\ngit\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "a probe leaves nothing";
  std::filesystem::remove_all(folder);
}

TEST(Host, WhatIsNeverAskedForIsAlwaysPossible) { EXPECT_TRUE(can_sandbox(Isolation::direct)); }

}  // namespace
}  // namespace interlock::process
