#include <gmock/gmock.h>

#include <filesystem>

#include "e2e/isolation_harness.h"

// Tasks that try to get out of what they were given: each is stopped or contained, and named.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Guard : public Isolated {
 protected:
  void SetUp() override { need("guard"); }

  Ended run_guarded(const std::string& task) {
    write_plan("defaults: {isolation: guard}\ntasks:\n" + task);
    return interlock({"run", "plan.yaml"});
  }
};

TEST_F(Guard, what_the_footprint_names_can_be_read_and_written) {
  write("in", "in\n");
  write("notes/old.md", "old\n");
  const Ended ended = run_guarded(
      "  - {id: a, run: \"cat in >notes/new.md; echo more >>notes/old.md\", reads: [in], writes: "
      "[\"notes/*.md\"]}\n");
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("notes/new.md"), "in\n");
  EXPECT_EQ(read("notes/old.md"), "old\nmore\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/isolation"), "guard");
  expect_nothing_left();
}

TEST_F(Guard, a_write_beside_the_footprint_is_stopped_and_named_with_the_line_to_add) {
  write("notes/old.md", "old\n");
  const Ended ended = run_guarded(
      "  - {id: a, run: \"echo x >notes/a.md; echo y >notes/b.txt; true\", writes: "
      "[\"notes/*.md\"], reads: []}\n");
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("it was kept from writing `notes/b.txt`"));
  EXPECT_THAT(ended.err, HasSubstr("add `writes: [\"notes/b.txt\"]` to task `a`"));
  EXPECT_FALSE(exists("notes/b.txt"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "outside-footprint");
}

TEST_F(Guard, what_is_written_beside_a_declared_file_and_renamed_over_it_is_part_of_writing_it) {
  write("hello.txt", "old\n");
  const Ended ended = run_guarded(
      "  - {id: a, run: \"echo new >hello.txt.tmp.$$; cat hello.txt.tmp.$$ >/dev/null; mv "
      "hello.txt.tmp.$$ hello.txt; "
      "echo x >.hello.txt.tmp; rm .hello.txt.tmp\", writes: [hello.txt], reads: []}\n");
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("hello.txt"), "new\n");
  expect_nothing_left();
}

TEST_F(Guard, what_stays_beside_a_declared_file_is_named) {
  const Ended ended = run_guarded(
      "  - {id: a, run: \"echo new >hello.txt.tmp.1; echo new >hello.txt\", writes: [hello.txt], "
      "reads: []}\n");
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("it left `hello.txt.tmp.1`, which its `writes` do not name"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "outside-footprint");
}

TEST_F(Guard, a_read_beside_the_footprint_is_stopped_and_named) {
  write("secret", "s\n");
  const Ended ended = run_guarded(
      "  - {id: a, run: \"cat secret >out 2>/dev/null; test -e nothing; true\", reads: [], writes: "
      "[out]}\n");
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("it was kept from reading `secret`"));
  EXPECT_EQ(read("out"), "");
}

/// Where a task leaves links for the dispatcher to follow.
class LinksLeft : public Isolated, public testing::WithParamInterface<const char*> {};

TEST_P(LinksLeft, as_its_output_lead_nowhere) {
  const std::string isolation = GetParam();
  if (isolation != "direct") need(isolation);
  if (IsSkipped()) return;
  environment()["PROVIDER_SECRET"] = "s3cr3t-value";
  write_plan(
      "tasks:\n  - {id: a, run: \"ln -s /proc/self/environ o\", writes: [o], reads: [], output: "
      "{from: o}, isolation: " +
      isolation + "}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("`o`: it leads out of the workspace, to `/proc/self/environ`"));
  EXPECT_EQ(shell("grep -rlF s3cr3t-value " + state()).out, "");
}

TEST_P(LinksLeft, where_it_declares_to_write_are_not_walked_through) {
  const std::string isolation = GetParam();
  if (isolation != "direct") need(isolation);
  if (IsSkipped()) return;
  write_plan(
      "tasks:\n  - {id: a, run: \"ln -s / d\", writes: [d, \"d/**\"], reads: [], isolation: " +
      isolation + "}\n  - {id: b, run: \"echo b >out\", reads: [\"d/**\"], writes: [out]}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("out"), "b\n");
}

INSTANTIATE_TEST_SUITE_P(Of, LinksLeft, testing::Values("direct", "guard", "view"),
                         [](const auto& one) { return std::string(one.param); });

/// Ways out, each of them a line of shell; `$OUT` is a folder outside the workspace.
struct WayOut {
  std::string name, line;
  bool named = true;  ///< Whether the attempt is told of; else it never was one to leave.
};

class WaysOut : public Isolated, public testing::WithParamInterface<WayOut> {};

TEST_P(WaysOut, of_a_view_lead_nowhere) {
  need("view");
  if (IsSkipped()) return;
  const std::string out = folder() + "/out";
  std::filesystem::create_directories(out);
  write("../out/victim", "untouched\n");
  write("inside", "inside\n");
  ASSERT_EQ(shell("ln -s " + out + " exit && ln -s " + out + "/victim link").exit, 0);
  ASSERT_EQ(shell("tar -cf ../before.tar -C ../out .").exit, 0);
  write("attempt.sh", GetParam().line + "\n");
  write_plan("tasks:\n  - {id: a, run: \"sh attempt.sh; true\", isolation: view, env: {OUT: \"" +
             out + "\"}}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("../out/victim"), "untouched\n");
  EXPECT_EQ(shell("ls -A ../out").out, "victim\n");
  if (GetParam().named) {
    EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("kept from writing `" + out));
  }
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(
    Every, WaysOut,
    testing::Values(WayOut{"absolute_path", "echo x >$OUT/victim; echo y >$OUT/new"},
                    WayOut{"symbolic_link", "echo x >link"},
                    WayOut{"linked_folder", "echo x >exit/new"},
                    WayOut{"hard_link", "ln $OUT/victim here && echo x >here; ln inside $OUT/new"},
                    WayOut{"root_of_proc", "echo x >/proc/self/root$OUT/victim"},
                    WayOut{"root_of_the_dispatcher", "echo x >/proc/$PPID/root$OUT/victim", false},
                    WayOut{"rename", "mv inside $OUT/new; mv $OUT/victim here"},
                    WayOut{"removal", "rm -f $OUT/victim"},
                    WayOut{"unmounting", "umount . ; umount -l \"$PWD\"; mount -t tmpfs none $OUT",
                           false},
                    WayOut{"outliving",
                           "setsid sh -c 'trap \"\" TERM HUP; while :; do echo x >$OUT/victim; "
                           "echo x >late; done' >/dev/null 2>&1 &",
                           false}),
    [](const auto& one) { return one.param.name; });

TEST_F(Guard, a_child_that_outlives_its_task_cannot_change_the_workspace_any_more) {
  need("view");
  if (IsSkipped()) return;
  write_plan(R"(
tasks:
  - {id: a, run: "echo x >mine; setsid sh -c 'while :; do date >mine; done' >/dev/null 2>&1 &", isolation: view}
  - {id: b, run: "cat mine >copy", isolation: view}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("mine"), read("copy"));
  EXPECT_THAT(interlock({"why", "last", "a"}).out,
              HasSubstr("processes it left behind were ended"));
  expect_nothing_left();
}

TEST_F(Guard, an_isolation_that_is_not_to_be_had_is_refused_unless_the_next_best_will_do) {
  // A state folder inside the workspace cannot hold the layers of its own view.
  write_plan("tasks: [{id: a, run: 'echo x >y', isolation: view}]\n");
  const Ended refused = interlock({"run", "plan.yaml", "--state", workspace() + "/state"});
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("`view`"));
  EXPECT_THAT(refused.err, HasSubstr("hint:"));
  write_plan("tasks: [{id: a, run: 'echo x >y', isolation: [view, direct]}]\n");
  const Ended ended = interlock({"run", "plan.yaml", "--state", workspace() + "/state"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("instead of `view`"));
  EXPECT_EQ(at(json_of({"show", "last", "--state", workspace() + "/state"}), "/tasks/0/isolation"),
            "direct");
}

TEST_F(Guard, doctor_tells_every_level_and_why_not) {
  const Ended ended = interlock({"doctor"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  for (const std::string level : {"direct", "guard", "view", "worktree"})
    EXPECT_THAT(ended.out, HasSubstr(level));
  EXPECT_THAT(ended.out, HasSubstr("no   worktree")) << "this folder is not a git repository";
}

}  // namespace

}  // namespace interlock::e2e
