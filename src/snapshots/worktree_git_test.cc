#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshots/fixture.h"
#include "snapshots/git.h"
#include "snapshots/host_check.h"

// Worktrees and commits in repositories as people have them, and against what a task may do to its
// own.
namespace interlock::snapshots {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class RepositoryTest : public AsEither {
 protected:
  static constexpr const char* kStart = R"sh(
      git init -q -b main .; git config user.name Ann; git config user.email ann@example.org
      )sh";

  static void fill(const Scene& scene, const std::string& script) {
    ASSERT_TRUE(sh(scene.tree.root(), kStart + script));
  }
  static std::string git(const Scene& scene, const std::vector<std::string>& arguments) {
    const auto said = Git(scene.tree.root()).line(arguments);
    return said ? *said : said.error().message;
  }
  /// An attempt in a worktree, from its birth to its harvest.
  static engine::Snapshots::Harvest work(Scene& scene, const std::string& script,
                                         engine::AttemptName name = attempt_of(1)) {
    const auto opened = scene.open(name, plan::Isolation::worktree);
    if (!opened) return {};
    EXPECT_TRUE(sh(opened->folder, script));
    return scene.harvest(name);
  }
  /// The remarks of its commit.
  static std::string commit(Scene& scene, engine::AttemptName name = attempt_of(1)) {
    const auto done = scene.snapshots().commit({name, nullptr}, "r-1/task");
    EXPECT_TRUE(done) << done.error().message;
    return done ? fmt::format("{}", fmt::join(*done, "\n")) : std::string();
  }
  static std::string remarks(const engine::Snapshots::Harvest& harvest) {
    return fmt::format("{}", fmt::join(harvest.remarks, "\n"));
  }
  static std::string refusal(Scene& scene) {
    const auto opened = scene.snapshots().open(
        {.name = attempt_of(9), .isolation = plan::Isolation::worktree, .writable = {}});
    return opened ? "opened" : opened.error().message;
  }
};
INTERLOCK_AS_EITHER(RepositoryTest);

TEST_P(RepositoryTest, NothingATaskSetsInItsRepositoryIsRun) {
  live([] {
    Scene scene;
    fill(scene, "printf 1 > a; printf 2 > b; git add -A; git commit -qm first");
    const std::string proof = scene.state.at("proof");
    const std::string run = fmt::format("touch {}; cat", proof);
    const auto harvest = work(scene, fmt::format(R"sh(
        g() {{ git config "$1" "{0}"; }}
        g filter.x.clean; g filter.x.smudge; g filter.x.process; git config filter.x.required true
        g diff.x.textconv; g diff.x.command; g merge.x.driver; g diff.external; g core.fsmonitor
        g core.sshCommand; g core.pager; g core.editor; g core.alternateRefsCommand; g gpg.program
        g credential.helper; g uploadpack.packObjectsHook; g core.askPass; g alias.status
        git config commit.gpgSign true; git config include.path "$PWD/more"
        printf '* filter=x diff=x merge=x\n' > .gitattributes
        printf '[filter "x"]\n clean = {0}\n' > more
        mkdir -p .git/hooks hooks; git config core.hooksPath "$PWD/hooks"
        for h in pre-commit reference-transaction post-index-change post-checkout; do
          printf '#!/bin/sh\n{0}\n' > .git/hooks/$h; chmod +x .git/hooks/$h
          cp .git/hooks/$h hooks/
        done
        printf own > a; printf '[core]\n fsmonitor = {0}\n' >> .git/config.worktree)sh",
                                                 run));
    EXPECT_THAT(remarks(harvest), HasSubstr("in the configuration of its repository: left out"));
    EXPECT_THAT(remarks(harvest), HasSubstr("the hooks "));
    EXPECT_THAT(reported(harvest.changes), HasSubstr("* a file\n"));
    EXPECT_EQ(commit(scene), "it changed `.gitattributes`: its commit goes by those of HEAD");
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a"), "own");
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1:a"}), "own");
    EXPECT_EQ(::access(proof.c_str(), F_OK), -1) << "something that the task had set was run";
    EXPECT_EQ(git(scene, {"config", "--local", "--get-regexp", "^(filter|alias|include)"}),
              "`git config` failed in `" + scene.tree.root() + "`: exit status 1");
  });
}

TEST_P(RepositoryTest, WhatATaskMakesOfItsRepositoryNeitherHoldsUsUpNorLeadsUsAway) {
  live([] {
    Scene scene;
    fill(scene, "printf 0 > a; git add -A; git commit -qm first");
    const std::string before = git(scene, {"rev-parse", "main"});
    const std::vector<std::string> deeds{
        "rm -rf .git",
        "rm -rf .git; ln -s / .git",
        "rm -rf .git; mkfifo .git",
        "rm -rf .git/refs; ln -s /etc .git/refs; rm .git/packed-refs; mkfifo .git/packed-refs",
        "rm .git/config; mkfifo .git/config; rm .git/HEAD; ln -s /etc/passwd .git/HEAD",
        "printf '[' > .git/config; printf x > .git/HEAD; printf '\\0\\0' > .git/packed-refs",
        "rm -rf .git/objects; ln -s /etc .git/objects; git init -q; "
        "printf '%040d refs/heads/x\\n' 1 > .git/packed-refs",
        "git -c user.name=x -c user.email=y commit -q --allow-empty -m own; "
        "for o in $(find .git/objects -type f); do rm -f $o; mkfifo $o; done",
        "git -c user.name=x -c user.email=y commit -q --allow-empty -m own; "
        "for o in $(find .git/objects -type f); do chmod u+w $o; printf junk > $o; done",
        "mkdir -p .git/refs/heads/..lock; printf '%s\\n' ../../../../etc > .git/refs/heads/odd",
    };
    for (std::uint32_t n = 1; n <= deeds.size(); ++n) {
      SCOPED_TRACE(deeds[n - 1]);
      const auto name = attempt_of(1, n);
      const auto harvest = work(scene, deeds[n - 1] + fmt::format("; printf {} > a", n), name);
      EXPECT_EQ(reported(harvest.changes), "* a file\n");
      const std::string said = remarks(harvest) + commit(scene, name);
      EXPECT_EQ(said.empty(), n == deeds.size()) << said;
      EXPECT_EQ(scene.checkpoint(), "");
      EXPECT_EQ(scene.read("a"), std::to_string(n));
      EXPECT_EQ(git(scene, {"show", "interlock/r-1/1:a"}), std::to_string(n));
      EXPECT_EQ(git(scene, {"rev-parse", "main"}), before);
      EXPECT_EQ(git(scene, {"for-each-ref", "--format=%(refname)"}),
                "refs/heads/interlock/r-1/1\nrefs/heads/main");
    }
    EXPECT_THAT(git(scene, {"fsck", "--full"}), Not(HasSubstr("error")));
  });
}

TEST_P(RepositoryTest, TheFolderOfTheWorkspaceIsNotFoundThroughALink) {
  live([] {
    Scene scene;
    fill(scene, "mkdir inner; printf 1 > inner/a; git add -A; git commit -qm first");
    LocalSnapshots snapshots(scene.tree.at("inner"), scene.state.root(), "r-2");
    const auto opened = snapshots.open(
        {.name = attempt_of(1), .isolation = plan::Isolation::worktree, .writable = {}});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(sh(opened->folder, "cd ..; rm -r inner; ln -s /etc inner"));
    const auto harvest = snapshots.harvest(attempt_of(1), {}, scene.nothing_known);
    ASSERT_FALSE(harvest);
    EXPECT_EQ(harvest.error().message, "it took the folder of the workspace away in its worktree");
  });
}

TEST_P(RepositoryTest, NoKeyIsInTheEnvironmentOfGitAndItsFilters) {
  live([] {
    Scene scene;
    const std::string seen = scene.state.at("seen");
    fill(scene, fmt::format("git config filter.x.clean 'env >{}; tr a-z A-Z'; "
                            "printf '*.x filter=x\\n' > .gitattributes; printf 1 > a.x; "
                            "git add -A; git commit -qm first; rm {}",
                            seen, seen));
    ::setenv("ANTHROPIC_API_KEY", "sk-secret", 1);
    ::setenv("SOME_TOKEN", "sk-secret", 1);
    work(scene, "printf two > a.x");
    commit(scene);
    ::unsetenv("ANTHROPIC_API_KEY");
    ::unsetenv("SOME_TOKEN");
    const std::string variables = workspace::read_file(seen, 1 << 20).value_or("nothing");
    EXPECT_THAT(variables, HasSubstr("PATH="));
    EXPECT_THAT(variables, Not(HasSubstr("sk-secret")));
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1:a.x"}), "TWO");
  });
}

TEST_P(RepositoryTest, ChangesAreSeenWhateverTheirTimesSay) {
  live([] {
    Scene scene;
    fill(scene,
         "printf A > a; printf A > b; printf A > c; git add -A; git commit -qm first; "
         "printf C > c; touch -r a c");
    const auto harvest = work(scene,
                              "test $(cat c) = C; printf B > a; touch -r b a; "
                              "printf B > n; mv n b; touch -r c b; printf D > c");
    EXPECT_EQ(reported(harvest.changes), "* a file\n* b file\n* c file\n");
    commit(scene);
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1^:c"}), "C") << "what it began with";
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a") + scene.read("b") + scene.read("c"), "BBD");
  });
}

TEST_P(RepositoryTest, WhatGitWasToldNotToLookAtIsLookedAt) {
  live([] {
    Scene scene;
    fill(scene,
         "printf 1 > assumed; printf 1 > skipped; printf 1 > sparse; "
         "printf '*.env\\nout/\\n' > .gitignore; git add -A; git commit -qm first; "
         "git update-index --assume-unchanged assumed; printf mine > assumed; "
         "git update-index --skip-worktree skipped sparse; printf mine > skipped; rm sparse; "
         "printf secret > my.env; mkdir out; printf o > out/o");
    const auto harvest =
        work(scene,
             "test $(cat assumed) = mine; test $(cat skipped) = mine; test ! -e sparse; "
             "test ! -e my.env; test ! -e out; printf t > my.env; mkdir out sub; "
             "printf t > out/new; printf t > sub/x.env; printf 2 > assumed; "
             "git add -A -f; git -c user.name=x -c user.email=y commit -qm forced");
    EXPECT_EQ(reported(harvest.changes), "* assumed file\n");
    EXPECT_EQ(remarks(harvest),
              "what it wrote to `my.env`, `out` and `sub` was left out: git ignores it");
    commit(scene);
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("my.env") + scene.read("out/o") + scene.read("skipped"), "secretomine");
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1~2:skipped"}), "mine");
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1~2:sparse"}), "1");
  });
}

TEST_P(RepositoryTest, SubmodulesAndOtherRepositoriesAreThereAndStayWhatTheyAre) {
  live([] {
    Scene scene;
    fill(scene, R"sh(
        git init -q -b main lib; (cd lib; printf a > a; printf '*.o\n' > .gitignore; git add -A
          git -c user.name=x -c user.email=y commit -qm lib; printf dirty > a; printf o > x.o)
        printf o > o; git add o; git -c advice.addEmbeddedRepo=false add lib; git commit -qm first
        mkdir other; git -C other init -q; printf 1 > other/f; printf 'x' > seen)sh");
    scene.restart({.commit_per_task = true, .task_ids = {}, .before_step = {}});
    const auto harvest = work(scene,
                              "test $(cat lib/a) = dirty; test ! -e lib/x.o; "
                              "test $(cat other/f) = 1; ls lib > seen; printf t > lib/t; "
                              "rm lib/a; printf 2 > other/f; printf p > o; printf q > lib/q.o; "
                              "mkdir lib/.git; printf x > lib/.git/x");
    EXPECT_EQ(reported(harvest.changes),
              "- lib/a file\n+ lib/t file\n* o file\n* other/f file\n* seen file\n");
    EXPECT_EQ(remarks(harvest),
              "what it wrote to `lib/q.o` was left out: git ignores it\n"
              "what it changed in `lib/.git` was left out");
    EXPECT_THAT(commit(scene),
                HasSubstr("what it changed in `lib` is in no commit: that is a repository"));
    for (const char* branch : {"interlock/r-1", "interlock/r-1.1"}) {
      EXPECT_THAT(git(scene, {"ls-tree", branch, "lib"}), HasSubstr("160000 commit")) << branch;
      EXPECT_EQ(git(scene, {"show", std::string(branch) + ":o"}), "p") << branch;
      EXPECT_THAT(git(scene, {"ls-tree", "-r", branch}), Not(HasSubstr("other"))) << branch;
    }
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_TRUE(sh(scene.tree.root(),
                   "test ! -e lib/a; test -e lib/t; test -e lib/x.o; "
                   "test $(cat other/f) = 2; git -C lib status >/dev/null"));
  });
}

TEST_P(RepositoryTest, EmptyFoldersAndModesAreThoseOfTheWorkspace) {
  live([] {
    Scene scene;
    fill(scene,
         "printf 1 > a; chmod 640 a; printf 2 > b; git add -A; git commit -qm first; "
         "git config core.fileMode false; git config extensions.worktreeConfig true; "
         "git config --worktree user.name Eve; "
         "mkdir -p empty/deep gone; chmod 700 empty; chmod 755 b");
    const auto harvest =
        work(scene,
             "test -d empty/deep; test $(stat -c %a empty) = 700; "
             "test $(stat -c %a a) = 640; test -x b; test $(git config user.name) = Eve; "
             "rmdir gone; mkdir new; chmod 750 empty; chmod 600 a; chmod 644 b");
    EXPECT_EQ(reported(harvest.changes),
              "* a file mode 640 to 600\n* b file mode 755 to 644\n"
              "* empty folder mode 700 to 750\n- gone folder\n+ new folder\n");
  });
}

TEST_P(RepositoryTest, CommitsHoldWhatGitItselfWouldStore) {
  live([] {
    Scene scene;
    fill(scene, R"sh(
        git config filter.up.clean 'tr a-z A-Z'; git config filter.up.required true
        git config filter.none.clean 'no-such-program'; git config filter.none.required true
        printf '*.up filter=up\n*.txt text\n*.none filter=none\n' > .gitattributes
        printf x > a.up; printf 'x\r\n' > a.txt; printf raw > keep.bin
        git add .gitattributes a.up a.txt keep.bin; git commit -qm first
        printf 'here\n' > big.none; printf dirty > a.up; touch -d '2001-01-01' a.txt)sh");
    scene.restart({.commit_per_task = true, .task_ids = {}, .before_step = {}});
    const auto harvest = work(scene,
                              "test $(cat a.up) = dirty; test $(cat big.none) = here; "
                              "printf two > a.up; printf '1\\r\\n2\\r\\n' > a.txt; "
                              "printf y > b.none; printf 'low\\r\\n' > keep.bin; "
                              "printf '*.bin filter=up text\\n' > .gitattributes");
    EXPECT_EQ(reported(harvest.changes),
              "* .gitattributes file\n* a.txt file\n* a.up file\n"
              "+ b.none file\n* keep.bin file\n");
    const std::string said = commit(scene);
    EXPECT_THAT(said, HasSubstr("`b.none` is in no commit: "));
    EXPECT_THAT(said, HasSubstr("clean filter 'none' failed"));
    EXPECT_EQ(git(scene, {"show", "interlock/r-1.1^:a.up"}), "DIRTY");
    for (const char* branch : {"interlock/r-1", "interlock/r-1.1"}) {
      EXPECT_EQ(git(scene, {"show", std::string(branch) + ":a.up"}), "TWO") << branch;
      EXPECT_EQ(git(scene, {"show", std::string(branch) + ":a.txt"}), "1\n2") << branch;
      EXPECT_EQ(git(scene, {"show", std::string(branch) + ":keep.bin"}), "low\r") << branch;
    }
    // Nor do attributes of an earlier task's commit count for a later one.
    work(scene, "printf lower > keep.bin", attempt_of(2));
    commit(scene, attempt_of(2));
    EXPECT_EQ(git(scene, {"show", "interlock/r-1:keep.bin"}), "lower");
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_TRUE(sh(scene.tree.root(), "test $(cat a.up) = two; test $(cat big.none) = here"));
  });
}

TEST_P(RepositoryTest, AFilterFindsNoProgramInTheWorkspace) {
  live([] {
    Scene scene;
    fill(scene,
         "git config filter.own.clean ./tool; git config filter.own.required true; "
         "printf '*.x filter=own\\n' > .gitattributes; printf '#!/bin/sh\\ncat\\n' > tool; "
         "chmod +x tool; printf 1 > a.x; printf 1 > b; git add -A; git commit -qm first");
    const std::string proof = scene.state.at("proof");
    work(scene, fmt::format("printf '#!/bin/sh\\ntouch {}; cat\\n' > tool; printf 2 > a.x", proof));
    commit(scene);
    EXPECT_EQ(scene.checkpoint(), "");
    work(scene, "printf 3 > a.x; printf 3 > b", attempt_of(2));
    EXPECT_THAT(commit(scene, attempt_of(2)), HasSubstr("`a.x` is in no commit: "));
    EXPECT_EQ(::access(proof.c_str(), F_OK), -1);
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/2:b"}), "3");
  });
}

TEST_P(RepositoryTest, AFilterNamedByItsWholePathIsNotRunFromTheWorkspace) {
  live([] {
    for (const char* command : {"{}/tool", "sh {}/tool", "exec {}/../$(basename {})/tool"}) {
      Scene scene;
      const std::string& root = scene.tree.root();
      const std::string proof = scene.state.at("proof");
      const std::string filter = fmt::format(fmt::runtime(command), root, root);
      fill(scene, fmt::format("git config filter.own.clean {}; "
                              "printf '*.x filter=own\\n' > .gitattributes; "
                              "printf '#!/bin/sh\\ncat\\n' > tool; chmod +x tool; "
                              "printf 1 > a.x; printf 1 > b; git add -A; git commit -qm first",
                              shell_quote(filter)));
      work(scene,
           fmt::format("printf '#!/bin/sh\\ntouch {}; cat\\n' > tool; printf 2 > a.x", proof));
      EXPECT_THAT(commit(scene), HasSubstr("`a.x` is in no commit: ")) << filter;
      EXPECT_EQ(scene.checkpoint(), "");
      work(scene, "printf 3 > a.x; printf 3 > b", attempt_of(2));
      EXPECT_THAT(commit(scene, attempt_of(2)), HasSubstr("`a.x` is in no commit: ")) << filter;
      EXPECT_EQ(scene.checkpoint(), "");
      EXPECT_EQ(::access(proof.c_str(), F_OK), -1) << filter << " was run";
      EXPECT_EQ(git(scene, {"show", "interlock/r-1/2:b"}), "3");
      EXPECT_EQ(scene.read("a.x"), "3");
    }
  });
}

TEST_P(RepositoryTest, CommitsBranchesAndTagsOfATaskAreTakenOverByName) {
  live([] {
    Scene scene;
    fill(scene, "printf 1 > a; git add -A; git commit -qm first; git branch old; git branch side");
    const std::string before =
        git(scene, {"for-each-ref", "refs/heads/main", "refs/heads/old", "refs/heads/side"});
    const auto harvest = work(scene, R"sh(
        printf 2 > a; git commit -qam 'my own words'; git tag mine; git branch -D old
        git checkout -q -b feature/x; printf f > f; git add f; git commit -qm feature
        git checkout -q -; git branch -f side feature/x; git gc -q; printf 3 > a)sh");
    EXPECT_EQ(remarks(harvest), "it deleted `old`, which stays");
    EXPECT_EQ(commit(scene),
              "its branch `feature/x` is `interlock/r-1/1.feature/x` in the "
              "repository\nits branch `side` is `interlock/r-1/1.side` in the "
              "repository\nits tag `mine` is `interlock/r-1/1.mine` in the repository");
    EXPECT_EQ(git(scene, {"log", "--format=%s", "interlock/r-1/1"}),
              "r-1/task\nmy own words\nWhat a task of Interlock began with\nfirst");
    EXPECT_EQ(git(scene, {"show", "interlock/r-1/1.feature/x:f"}), "f");
    EXPECT_EQ(git(scene, {"log", "-1", "--format=%s", "interlock/r-1/1.mine"}), "my own words");
    EXPECT_EQ(git(scene, {"for-each-ref", "refs/heads/main", "refs/heads/old", "refs/heads/side"}),
              before);
    EXPECT_THAT(git(scene, {"fsck", "--full"}), Not(HasSubstr("missing")));
    // What its own last commit says needs none of ours.
    work(scene, "printf 4 > a; git commit -qam all", attempt_of(2));
    EXPECT_EQ(commit(scene, attempt_of(2)), "");
    EXPECT_EQ(git(scene, {"log", "-1", "--format=%s", "interlock/r-1/2"}), "all");
  });
}

TEST_P(RepositoryTest, KilledAtAnyStepOfOpeningItOpensAgain) {
  live([] {
    Scene scene;
    fill(scene,
         "for i in 1 2 3 4 5; do mkdir d$i; printf 1 > d$i/a; ln -s a d$i/l; done; "
         "git add -A; git commit -qm first; printf dirty > d1/a; printf new > n");
    const std::string before = git(scene, {"for-each-ref"}) + git(scene, {"status", "--porcelain"});
    std::uint32_t instants = 0;
    for (bool was_killed = true; was_killed; ++instants) {
      was_killed = !in_child([&] {
        std::uint32_t left = instants;
        const auto dies = [&left] {
          if (left-- == 0) ::_exit(99);
        };
        scene.restart({.commit_per_task = false, .task_ids = {"a/b"}, .before_step = dies});
        scene.snapshots().open(
            {.name = attempt_of(0), .isolation = plan::Isolation::worktree, .writable = {}});
      });
      scene.restart({.commit_per_task = false, .task_ids = {"a/b"}, .before_step = {}});
      ASSERT_TRUE(scene.snapshots().recover({}, {}));
      EXPECT_FALSE(std::filesystem::exists(scene.state.at("runs/r-1/views/task-0-attempt-1")));
      EXPECT_EQ(git(scene, {"for-each-ref"}) + git(scene, {"status", "--porcelain"}), before);
    }
    EXPECT_GE(instants, 20u);
    work(scene, "test $(cat d1/a) = dirty; printf 2 > n", attempt_of(0));
    commit(scene, attempt_of(0));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("n"), "2");
    EXPECT_EQ(git(scene, {"worktree", "list", "--porcelain"}).find("views"), std::string::npos);
  });
}

TEST_P(RepositoryTest, RepositoriesOfSha256AreRepositoriesToo) {
  live([] {
    Scene scene;
    ASSERT_TRUE(sh(scene.tree.root(),
                   "git init -q -b main --object-format=sha256 .; git config user.name Ann; "
                   "git config user.email a@b; mkdir d; printf 1 > d/a; printf 1 > b; git add -A; "
                   "git commit -qm first"));
    scene.restart({.commit_per_task = true, .task_ids = {}, .before_step = {}});
    work(scene, "printf 2 > b; rm d/a; git commit -qam own; printf 3 > n");
    EXPECT_EQ(commit(scene), "");
    EXPECT_EQ(git(scene, {"diff", "--name-status", "main", "interlock/r-1"}), "M\tb\nD\td/a\nA\tn");
    EXPECT_EQ(git(scene, {"diff", "--name-status", "main", "interlock/r-1.1"}),
              "M\tb\nD\td/a\nA\tn");
  });
}

TEST_P(RepositoryTest, ARepositoryWithoutACommitHasWorktrees) {
  live([] {
    Scene scene;
    fill(scene, "printf 1 > a; git add a; printf 2 > b");
    work(scene, "test $(cat b) = 2; printf 3 > b");
    EXPECT_EQ(commit(scene), "");
    EXPECT_EQ(git(scene, {"diff", "--name-status", "interlock/r-1/1^", "interlock/r-1/1"}), "M\tb");
  });
}

TEST_P(RepositoryTest, WhatCannotBeDoneIsRefusedBeforeAnythingRuns) {
  live([] {
    Scene scene;
    fill(scene, "printf 1 > a; git add -A; git commit -qm first; git branch interlock");
    const std::string root = scene.tree.root();
    EXPECT_EQ(refusal(scene),
              fmt::format("cannot make a worktree: cannot make branches `interlock/...` in `{}`: "
                          "it has a branch `interlock`, and git takes only one of the two",
                          root));
    EXPECT_FALSE(can_commit(root));
    ASSERT_TRUE(sh(root,
                   "git branch -D -q interlock; mkdir -p inner; printf '/inner/\\n' > "
                   ".gitignore"));
    EXPECT_EQ(can_commit(root).value_or("?"), "");
    const auto ignored = can_open(plan::Isolation::worktree, root + "/inner", scene.state.root());
    EXPECT_EQ(
        ignored.error().message,
        fmt::format("cannot make a worktree: the repository `{0}` ignores `{0}/inner`", root));
    EXPECT_EQ(can_commit(root + "/inner").value_or("?"),
              fmt::format("the repository `{0}` ignores `{0}/inner`", root));
    ASSERT_TRUE(sh(root, "mkdir -p inner/.git"));
    EXPECT_FALSE(can_open(plan::Isolation::worktree, root + "/inner", scene.state.root()));
    EXPECT_FALSE(can_commit(root + "/inner"));
    EXPECT_EQ(can_commit(scene.state.root()).value_or("?"),
              fmt::format("`{}` is in no git repository", scene.state.root()));
  });
}

TEST(Repository, OfAnotherUserItIsRefusedByName) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  Scene scene;
  ASSERT_TRUE(sh(scene.tree.root(), "git init -q .; printf 1 > a; git add a"));
  ASSERT_TRUE(sh(scene.tree.root(), fmt::format("chown -R {0}:{0} .", kSomeUser)));
  const std::string top = scene.tree.root();
  ::setenv("HOME", "/nonexistent", 1);
  const auto refused = can_open(plan::Isolation::worktree, top, scene.state.root());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            fmt::format("cannot make a worktree: the git repository `{}` belongs to another user "
                        "({}), and git does not trust it",
                        top, kSomeUser));
  EXPECT_EQ(refused.error().hint, "git config --global --add safe.directory " + top);
  EXPECT_FALSE(can_commit(top));
}

TEST_P(RepositoryTest, ACommitThatCannotBeMadeLosesNoChange) {
  live([] {
    Scene scene;
    fill(scene, "printf 1 > a; git add -A; git commit -qm first");
    scene.restart({.commit_per_task = true, .task_ids = {}, .before_step = {}});
    work(scene, "printf 2 > a");
    ASSERT_TRUE(sh(scene.tree.root(), "git branch interlock"));  // After the run has begun.
    const std::string said = commit(scene);
    EXPECT_THAT(said, HasSubstr("no commit was made on the branch `interlock/r-1`: "));
    EXPECT_THAT(said, HasSubstr("the branch `interlock/r-1.1` was not made: "));
    EXPECT_EQ(scene.checkpoint(), "");
    EXPECT_EQ(scene.read("a"), "2");
  });
}

}  // namespace
}  // namespace interlock::snapshots
