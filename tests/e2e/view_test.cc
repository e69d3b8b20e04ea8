#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "e2e/isolation_harness.h"

// Tasks with private snapshots of the workspace: what they change, when it is committed, and what
// follows when they meet.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class View : public Isolated {
 protected:
  void SetUp() override { need("view"); }

  /// Two tasks that each read `count`, wait for the test, and write it one higher.
  void write_counting_plan(const std::string& more = {}) {
    write("count", "0\n");
    write_plan(
        "defaults: {isolation: view}\n"
        "tasks:\n"
        "  - {id: a, run: \"read n <count; read line <../go; echo $((n+1)) >count\"" +
        more +
        "}\n"
        "  - {id: b, run: \"read n <count; read line <../go; echo $((n+1)) >count\"" +
        more + "}\n");
  }
  /// Starts the plan, and lets all tasks go when all have begun.
  Ended run_at_once(const std::vector<std::string>& ids) {
    NamedPipe go(folder() + "/go");
    Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
    for (const std::string& id : ids) run.until_it_says("started     " + id);
    go.ring(20);
    return run.wait();
  }
};

TEST_F(View, tasks_side_by_side_change_the_workspace_only_when_they_commit) {
  write("kept", "as it was\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo a >a; rm kept; read line <../go"}
  - {id: b, run: "mkdir -p deep/er; echo b >deep/er/b; ln -s b deep/er/link; read line <../go"}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("started     b");
  EXPECT_FALSE(exists("a"));
  EXPECT_EQ(read("kept"), "as it was\n");
  go.ring(2);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("a"), "a\n");
  EXPECT_FALSE(exists("kept"));
  EXPECT_EQ(read("deep/er/link"), "b\n");
  EXPECT_EQ(std::filesystem::read_symlink(workspace() + "/deep/er/link"), "b");
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/isolation"), "view");
  EXPECT_EQ(
      at(shown, "/tasks/0/changes"),
      R"([{"path":"a","before":"absent","after":"file"},{"path":"kept","before":"file","after":"absent"}])");
  EXPECT_EQ(at(shown, "/tasks/0/reads_from"), "observed");
  EXPECT_EQ(at(shown, "/commits"), R"({"made":2,"folded":2})");
  expect_nothing_left();
}

TEST_F(View, a_failure_on_what_an_earlier_task_changes_meanwhile_is_no_failure) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "read line <../go; echo hi >a", reads: [], writes: [a]}
  - {id: b, run: "cat a >b", reads: [], writes: [b]}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("it failed, which counts when what goes before it is over");
  go.ring();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("b"), "hi\n");
  EXPECT_EQ(states(), "a: done\nb: done\n");
  expect_nothing_left();
}

TEST_F(View, a_failure_that_nobody_changes_anything_about_counts_when_its_turn_has_come) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "read line <../go; echo hi >a", reads: [], writes: [a]}
  - {id: b, run: "cat other >b", reads: [], writes: [b]}
  - {id: c, run: "touch c", reads: [], writes: [c], needs: [b]}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("it failed, which counts when what goes before it is over");
  go.ring();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_EQ(states(), "a: done\nb: failed\nc: skipped\n");
  EXPECT_EQ(read("a"), "hi\n");
}

TEST_F(View, resume_brings_in_what_a_person_stood_in_the_way_of_when_all_tasks_are_done) {
  write("f", "base\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo task >>f; echo g >g", reads: [f], writes: [f, g]}
  - {id: b, run: "read line <../go; echo b >b", reads: [], writes: [b]}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("done        a");
  write("f", "base\nperson\n");
  go.ring();
  EXPECT_EQ(run.wait().exit, 1);
  EXPECT_EQ(read("f"), "base\nperson\n");
  EXPECT_FALSE(exists("g"));
  EXPECT_EQ(interlock({"resume"}).exit, 1) << "it stands there still";
  write("f", "base\n");
  const Ended resumed = interlock({"resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(read("f") + read("g") + read("b"), "base\ntask\ng\nb\n");
  EXPECT_EQ(interlock({"resume"}).exit, 0) << "nothing is left to bring in";
  expect_nothing_left();
}

TEST_F(View, a_task_that_read_what_an_earlier_one_changed_meanwhile_is_done_again) {
  write_counting_plan();
  const Ended ended = run_at_once({"a", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("count"), "2\n") << "as one after the other would have counted";
  EXPECT_THAT(ended.err, HasSubstr("conflict    b"));
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/conflicts"), "0");
  EXPECT_EQ(at(shown, "/tasks/1/conflicts"), "1");
  // Stopped while it worked, or told when it wanted to commit: whichever came first.
  EXPECT_THAT(
      interlock({"why", "last", "b"}).out,
      ::testing::AnyOf(HasSubstr("`count`, which it had read, was changed by `a` meanwhile"),
                       HasSubstr("`count` was changed meanwhile by `a`")));
  expect_nothing_left();
}

TEST_F(View, whoever_made_a_folder_that_another_made_too_is_told_how_not_to_meet) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "mkdir -p out; echo a >out/a; read line <../go"}
  - {id: b, run: "mkdir -p out; echo b >out/b"}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  // Over before `a` commits, it is told when its own turn comes.
  run.until_it_says("ready       b");
  go.ring(1);
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_THAT(interlock({"why", "last", "b"}).out,
              HasSubstr("a folder that is there from the start does not conflict"));
  EXPECT_EQ(read("out/b"), "b\n");
  expect_nothing_left();
}

TEST_F(View, texts_that_two_tasks_changed_in_different_places_are_merged_and_checked) {
  write("text", "one\ntwo\nthree\nfour\nfive\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "sed 's/one/ONE/' text >t; read line <../go; cat t >text; rm t", merge: text}
  - id: b
    run: "sed 's/five/FIVE/' text >t; read line <../go; cat t >text; rm t"
    merge: text
    verify: "grep -q five text && exit 1; cp text ../seen 2>/dev/null; grep -c . text"
)");
  const Ended ended = run_at_once({"a", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("text"), "ONE\ntwo\nthree\nfour\nFIVE\n");
  EXPECT_THAT(ended.err, HasSubstr("joined      b"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "1");
  EXPECT_THAT(interlock({"diff", "last", "b"}).out, HasSubstr("-five\n+FIVE\n"));
  expect_nothing_left();
}

TEST_F(View, a_merge_that_its_check_does_not_like_is_thrown_away_and_the_task_done_again) {
  write("text", "one\ntwo\nthree\nfour\nfive\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "sed 's/one/ONE/' text >t; read line <../go; cat t >text; rm t", merge: text}
  - id: b
    run: "grep -q ONE text && w=both || w=FIVE; sed \"s/five/$w/\" text >t; read line <../go; cat t >text; rm t"
    merge: text
    verify: "! { grep -q ONE text && grep -q FIVE text; }"
)");
  const Ended ended = run_at_once({"a", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("text"), "ONE\ntwo\nthree\nfour\nboth\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "2");
  expect_nothing_left();
}

TEST_F(View, who_listed_the_workspace_is_told_which_name_came_there) {
  write_plan(
      "defaults: {isolation: view}\n"
      "tasks:\n"
      "  - {id: a, run: \"read line <../go; echo 1 >new\"}\n"
      "  - {id: b, run: \"ls; read line <../go\"}\n");
  const Ended ended = run_at_once({"a", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(interlock({"why", "last", "b"}).out, HasSubstr("the listing of `.` (`new` came)"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/history/1/because"), "conflict");
  expect_nothing_left();
}

TEST_F(View, who_lists_what_a_later_task_made_fails_by_its_footprint) {
  write("kept", "1\n");
  write_plan(
      "defaults: {isolation: view}\n"
      "tasks:\n"
      "  - {id: a, reads: [kept], writes: [], retries: 1, backoff: 1ms, run: \"read line <../go; "
      "ls; [ -e new ]\"}\n"
      "  - {id: b, reads: [], writes: [new], run: \"echo 1 >new\"}\n");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("started     a");
  run.until_it_says("done        b");
  go.ring(20);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_THAT(interlock({"why", "last", "a"}).out,
              HasSubstr("it touched the listing of `.` (`new` came), which a later task"));
  expect_nothing_left();
}

TEST_F(View, who_looks_for_what_it_declares_does_not_meet_what_a_later_task_makes_beside_it) {
  write("d/1.md", "1\n");
  write_plan(R"(
limits: {parallel: 3, min_saving: 0s}
tasks:
  - {id: slow, run: "sleep .3; echo 0 >o0", reads: [], writes: [o0], isolation: view}
  - {id: texts, needs: [slow], run: "cat d/*.md >o1", reads: ["d/*.md"], writes: [o1], isolation: view}
  - {id: in_vain, needs: [slow], run: "cat new/1 >o2 || true", reads: [new/1], writes: [o2], isolation: view}
  - {id: beside, run: "echo x >d/t.txt", reads: [], writes: [d/t.txt], isolation: view}
  - {id: in_the_way, run: "echo x >new", reads: [], writes: [new], isolation: view}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  EXPECT_EQ(ended.exit, 0) << ended.out;
  EXPECT_EQ(read("o1"), "1\n");
}

TEST_F(View, a_task_that_mends_is_told_what_changed) {
  write_counting_plan(", repair: \"cat >told; read n <count; echo $((n+10)) >count\"");
  const Ended ended = run_at_once({"a", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("count"), "11\n");
  EXPECT_THAT(read("told"), HasSubstr("-0\n+1\n"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/history/1/because"), "repair");
  expect_nothing_left();
}

TEST_F(View, a_person_who_edits_meanwhile_is_one_more_writer) {
  write_counting_plan();
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "sequential", "--face", "lines"});
  run.until_it_says("started     a");
  go.ring();  // `a` has read, or will; either way the edit below comes before its commit or after.
  run.until_it_says("started     b");
  EXPECT_EQ(read("count"), "1\n");
  write("count", "40\n");
  go.ring(3);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("count"), "41\n") << "nobody's change was lost";
  expect_nothing_left();
}

/// A file that attempts in views can make for each other, gone with this.
class Sign {
 public:
  explicit Sign(const std::string& name)
      : path_("/dev/shm/interlock-" + name + "-" + std::to_string(::getpid())) {}
  Sign(const Sign&) = delete;
  ~Sign() { std::filesystem::remove(path_); }

  std::string wait() const { return "until test -e " + path_ + "; do sleep 0.01; done"; }
  std::string give() const { return "touch " + path_; }

 private:
  std::string path_;
};

TEST_F(View, who_missed_a_folder_that_an_earlier_task_makes_is_done_again) {
  const Sign looked("looked");
  write_plan(
      "defaults: {isolation: view}\ntasks:\n"
      "  - {id: a, run: \"" +
      looked.wait() +
      "; mkdir -p new/er\"}\n"
      "  - {id: b, run: \"echo b >new/b || true; test -d new/er/x/y || echo c >new/er/c || true; " +
      looked.give() + "\"}\n");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("new/b"), "b\n") << "as one after the other would have left it";
  EXPECT_EQ(read("new/er/c"), "c\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/conflicts"), "1");
}

TEST_F(View, no_path_that_a_task_names_ends_the_dispatcher) {
  for (const char* isolation : {"view", "guard"}) {
    write("in", "in\n");
    write_plan(std::string("defaults: {isolation: ") + isolation + R"(}
tasks:
  - {id: hostile, reads: ["**"], writes: ["**"], run: "touch /proc/self/fd/1/../x; cat </proc/self/fd/2/../y; true"}
  - {id: after, reads: [in], writes: [out], run: "cat in >out"}
)");
    const Ended ended = interlock({"run", "plan.yaml", "--fresh"});
    EXPECT_EQ(ended.exit, 0) << isolation << ended.err;
    EXPECT_EQ(read("out"), "in\n");
  }
}

TEST_F(View, what_cannot_be_placed_is_a_read_of_everything_and_said_to_be) {
  write("in", "in\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, reads: [other], writes: [], run: "mkdir d; cd d; rmdir ../d; cat ../in"}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/reads_from"), "everything");
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("from a folder that was deleted"));
}

TEST_F(View, changes_outside_the_footprint_fail_the_task_and_name_the_line_to_add) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - id: a
    run: "echo x >allowed; echo y >other"
    reads: []
    writes: ["allowed"]
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("it changed `other`, which its `writes` do not name; add "
                                   "`writes: [\"other\"]` to task `a`"));
  EXPECT_FALSE(exists("allowed"));
  EXPECT_FALSE(exists("other"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "outside-footprint");

  EXPECT_THAT(interlock({"show", "last", "--suggest"}).out,
              HasSubstr("writes: [\"allowed\", \"other\"]"));
  const Ended fixed = interlock({"plan", "plan.yaml", "--fix"});
  EXPECT_EQ(fixed.exit, 0) << fixed.err;
  EXPECT_THAT(read("plan.yaml"), HasSubstr("    writes: [\"allowed\", \"other\"]\n"));
  const Ended again = interlock({"run", "plan.yaml"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(read("other"), "y\n");
}

TEST_F(View, what_was_seen_is_written_into_a_plan_that_said_nothing) {
  write("in.txt", "in\n");
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - id: a
    run: "cat in.txt >out.txt"   # a remark that stays
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  ASSERT_EQ(interlock({"plan", "plan.yaml", "--fix"}).exit, 0);
  EXPECT_THAT(read("plan.yaml"), HasSubstr("   # a remark that stays\n"
                                           "    reads: [\"in.txt\"]\n"
                                           "    writes: [\"out.txt\"]\n"));
}

TEST_F(View, a_footprint_that_was_seen_names_what_was_written_with_the_same_bytes) {
  // The second time each finds its own work done, and writes the very same bytes again.
  const std::string plan =
      "tasks:\n"
      "  - id: x\n"
      "    run: t=$(sed s/A/B/ f.txt); echo \"$t\" >f.txt\n"
      "  - id: y\n"
      "    run: t=$(sed s/C/D/ f.txt); echo \"$t\" >f.txt\n";
  write("f.txt", "A C\n");
  write_plan(plan);
  ASSERT_EQ(interlock({"run", "plan.yaml", "--isolation", "view"}).exit, 0);
  ASSERT_EQ(interlock({"run", "plan.yaml", "--isolation", "view", "--fresh"}).exit, 0);
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/changes"), "[]") << "nothing is different";

  const auto suggested = json_of({"show", "last", "--suggest"});
  EXPECT_EQ(at(suggested, "/tasks/0/writes"), R"(["f.txt"])");
  EXPECT_EQ(at(suggested, "/tasks/0/runs"), "2");
  const Ended fixed = interlock({"plan", "plan.yaml", "--fix"});
  ASSERT_EQ(fixed.exit, 0) << fixed.err;
  EXPECT_THAT(fixed.err, HasSubstr("as 2 runs showed them"));
  EXPECT_THAT(read("plan.yaml"), HasSubstr("    writes: [\"f.txt\"]\n  - id: y"));
  EXPECT_THAT(fixed.out,
              HasSubstr("does not check what is really read and written by `x` and `y`"));

  write("f.txt", "A C\n");
  const Ended direct =
      interlock({"run", "plan.yaml", "--pattern", "parallel", "--isolation", "direct", "--fresh"});
  EXPECT_EQ(direct.exit, 0) << direct.err;
  EXPECT_EQ(read("f.txt"), "B D\n") << "nobody's edit is lost";
  EXPECT_THAT(direct.err, HasSubstr("reads and writes as declared, not checked"));
}

TEST_F(View, a_footprint_joins_what_several_runs_saw) {
  write("flag", "");
  write_plan(
      "defaults: {isolation: view}\n"
      "tasks:\n"
      "  - id: a\n"
      "    run: if [ -e flag ]; then rm flag; echo 1 >scratch; rm scratch; else cat in; touch out; "
      "fi\n");
  write("in", "1\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  ASSERT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0);
  const auto suggested = json_of({"show", "last", "--suggest"});
  EXPECT_EQ(at(suggested, "/tasks/0/writes"), R"(["flag","out","scratch"])");
  EXPECT_EQ(at(suggested, "/tasks/0/reads"), R"(["in"])");
}

TEST_F(View, what_nobody_observed_stays_unknown) {
  write_plan(
      "tasks:\n"
      "  - {id: a, run: echo 1 >a, isolation: view, observe: declared}\n"
      "  - {id: b, run: echo 1 >b}\n"
      "  - id: c\n"
      "    run: echo 1 >c\n"
      "    isolation: view\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const std::string before = read("plan.yaml");
  const Ended shown = interlock({"show", "last", "--suggest"});
  EXPECT_EQ(shown.out, "  - id: c   # seen in 1 run\n    reads: []\n    writes: [\"c\"]\n");
  EXPECT_THAT(shown.err,
              HasSubstr("`a` is left as it is: not all that it read and wrote was seen"));
  EXPECT_THAT(shown.err, HasSubstr("`b` is left as it is: nobody observed it"));
  ASSERT_EQ(interlock({"plan", "plan.yaml", "--fix"}).exit, 0);
  EXPECT_EQ(read("plan.yaml"), before + "    reads: []\n    writes: [\"c\"]\n");
}

TEST_F(View, diff_prints_a_patch_that_git_applies) {
  write("text", "one\ntwo\n");
  write("gone", "x\n");
  write("tool", "#!/bin/sh\n");
  ASSERT_EQ(shell("cp -a . ../before").exit, 0);
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo three >>text; rm gone; chmod +x tool; printf 'no end' >'new file'; ln -s text link"}
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  ASSERT_EQ(shell("$INTERLOCK diff last a >../patch").exit, 0);
  const Ended applied = shell("cd ../before && git init -q . && git apply ../patch");
  EXPECT_EQ(applied.exit, 0) << applied.err << interlock({"diff", "last", "a"}).out;
  EXPECT_EQ(shell("rm -rf ../before/.git; diff -r --no-dereference -x plan.yaml . ../before").out,
            "");
  EXPECT_EQ(shell("test -x ../before/tool").exit, 0);
  EXPECT_EQ(interlock({"diff", "last", "a", "--stat"}).out,
            "deleted   gone\n"
            "added     link\n"
            "added     new file\n"
            "modified  text  8 -> 14 bytes\n"
            "mode      tool  10 -> 10 bytes\n"
            "5 paths changed\n");
  EXPECT_EQ(at(json_of({"diff", "last", "a"}), "/changes/3/before/size"), "8");
}

TEST_F(View, killed_in_the_middle_it_resumes_to_what_one_by_one_would_have_given) {
  write_counting_plan();
  for (int kill = 0; kill < 2; ++kill) {
    NamedPipe go(folder() + "/go");
    Running run = kill == 0
                      ? start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"})
                      : start({"resume", "--face", "lines"});
    run.until_it_says("started     b");
    if (kill == 1) {
      go.ring(2);  // Either may take the first, and `b` is done only after `a`.
      run.until_it_says("done");
    }
    run.send(SIGKILL);
    run.wait();
  }
  NamedPipe go(folder() + "/go");
  go.ring(20);
  const Ended ended = interlock({"resume"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("count"), "2\n");
  expect_nothing_left();
}

TEST_F(View, a_gate_after_shows_the_changes_before_they_are_in_the_workspace) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo new >file", gate: after}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  EXPECT_FALSE(exists("file"));
  EXPECT_THAT(interlock({"diff", "last", "a"}).out, HasSubstr("+new\n"));
  EXPECT_EQ(interlock({"prune", "last"}).exit, 3) << "what is not committed is not thrown away";
  ASSERT_EQ(interlock({"approve", "last", "a"}).exit, 0);
  const Ended ended = interlock({"resume"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("file"), "new\n");
  EXPECT_EQ(interlock({"prune", "last"}).exit, 0);
  EXPECT_EQ(interlock({"runs"}).out, "");
  expect_nothing_left();
}

TEST_F(View, each_has_a_home_and_a_temporary_folder_of_its_own_at_one_path_for_all) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - id: a
    run: 'pwd; echo $HOME $TMPDIR; ls -A "$HOME" "$TMPDIR"; echo a >"$HOME/mine"; echo a >"$TMPDIR/mine"'
    output: text
  - id: b
    run: 'pwd; echo $HOME $TMPDIR; ls -A "$HOME" "$TMPDIR"; echo b >"$HOME/mine"; echo b >"$TMPDIR/mine"'
    output: text
    verify: 'grep -q b "$HOME/mine" && test -w "$TMPDIR"'
  - {id: c, run: 'cat {output_files.a}; echo $INTERLOCK_OUTPUTS', needs: [a], output: text}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const std::string out = interlock({"output", "last", "a"}).out;
  EXPECT_EQ(interlock({"output", "last", "b"}).out, out);
  EXPECT_THAT(out, HasSubstr(std::filesystem::canonical(workspace()).string() + "\n"));
  EXPECT_THAT(out, HasSubstr("/own/h "));
  EXPECT_THAT(out, HasSubstr("/own/a/tmp\n"));
  EXPECT_THAT(out, Not(HasSubstr("mine")));
  EXPECT_EQ(interlock({"output", "last", "c"}).out,
            out + "/tmp/interlock-" + std::to_string(::geteuid()) + "/own/a/outputs\n");
  expect_nothing_left();
}

/// A path of 3,266 bytes.
constexpr const char* kNest =
    "n=$(printf 'n%.0s' $(seq 250)); p=top; for i in $(seq 13); do p=$p/$n; done; mkdir -p $p";

TEST_F(View, a_tree_that_is_nested_too_deeply_fails_its_task_and_nothing_else) {
  write("nest.sh", kNest);
  write_plan(
      "tasks:\n"
      "  - {id: deep, isolation: view, run: sh nest.sh}\n"
      "  - {id: other, isolation: view, run: 'echo 1 >other'}\n");
  const Ended ended = interlock({"run", "plan.yaml", "--face", "lines"});
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("nnn...` is nested too deeply"));
  EXPECT_EQ(read("other"), "1\n");
  EXPECT_FALSE(exists("top"));
  EXPECT_EQ(interlock({"prune", "last"}).exit, 0);
  expect_nothing_left();
}

TEST_F(View, who_takes_such_a_tree_away_fails_once_and_is_told_why) {
  ASSERT_EQ(shell(kNest).exit, 0);
  write_plan(
      "tasks:\n"
      "  - {id: looks, isolation: view, run: 'ls >names'}\n"
      "  - {id: takes, isolation: view, run: 'rm -rf top'}\n");
  const Ended ended = interlock({"run", "plan.yaml", "--face", "lines"});
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("nnn...` is nested too deeply"));
  EXPECT_EQ(read("names"), "names\nplan.yaml\ntop\n");
  EXPECT_TRUE(exists("top"));
  expect_nothing_left();
}

TEST_F(View, a_network_of_its_own_reaches_nothing_outside) {
  write_plan(R"(
defaults: {isolation: view}
tasks:
  - {id: a, run: "wc -l </proc/net/dev", network: none, output: text}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  if (ended.exit != 0) GTEST_SKIP() << "no network namespaces here: " << ended.err;
  EXPECT_THAT(interlock({"output", "last", "a"}).out, HasSubstr("3"))
      << "two lines of head and `lo`";
}

}  // namespace

}  // namespace interlock::e2e
