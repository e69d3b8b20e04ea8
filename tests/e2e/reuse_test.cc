#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// A second run does only what changed, and says what did.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Reuse : public Cli {
 protected:
  Reuse() {
    write("in/a", "1\n");
    write("in/b", "2\n");
    write_plan(kPlan);
  }
  /// Runs the plan and returns which tasks really ran, in the order they did.
  std::string ran(const std::vector<std::string>& more = {}) {
    write("log", "");
    std::vector<std::string> arguments{"run", "plan.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = interlock(arguments);
    EXPECT_EQ(ended.exit, 0) << ended.err;
    return read("log");
  }
  static constexpr const char* kPlan = R"(
tasks:
  - {id: a, run: "echo a >>log; cp in/a out-a", reads: [in/a], writes: [out-a]}
  - {id: b, run: "echo b >>log; cp in/b out-b", reads: [in/b], writes: [out-b]}
  - {id: sum, run: "echo sum >>log; cat out-a out-b >sum", reads: [out-a, out-b], writes: [sum]}
)";
};

TEST_F(Reuse, runs_nothing_when_nothing_changed) {
  EXPECT_EQ(ran(), "a\nb\nsum\n");
  const std::string before = digest();
  EXPECT_EQ(ran(), "");
  EXPECT_EQ(digest(), before);
  EXPECT_NE(at(json_of({"show", "last"}), "/tasks/0/reused_from"), "null");
}

TEST_F(Reuse, runs_what_depends_on_an_edited_input_and_why_names_it) {
  ran();
  write("in/b", "3\n");
  EXPECT_EQ(ran(), "b\nsum\n");
  EXPECT_THAT(interlock({"why", "last", "b"}).out, HasSubstr("in/b"));
  EXPECT_THAT(interlock({"why", "last", "sum"}).out, HasSubstr("out-b"));
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("not run"));
}

TEST_F(Reuse, runs_again_what_somebody_undid) {
  ran();
  write("out-a", "tampered\n");
  EXPECT_EQ(ran(), "a\n") << "and what reads it finds what it found before";
  EXPECT_EQ(read("out-a"), "1\n");
}

TEST_F(Reuse, runs_a_task_whose_command_was_edited) {
  ran();
  std::string plan = kPlan;
  plan.replace(plan.find("cp in/b"), 7, "cat in/b >out-b; cp in/b");
  write_plan(plan);
  EXPECT_EQ(ran(), "b\n");
  EXPECT_THAT(interlock({"why", "last", "b"}).out, HasSubstr("command changed"));
}

TEST_F(Reuse, runs_everything_when_asked) {
  ran();
  EXPECT_EQ(ran({"--fresh"}), "a\nb\nsum\n");
}

TEST_F(Reuse, why_always_says_why_a_task_was_run) {
  ran();
  EXPECT_THAT(interlock({"why", "a"}).out,
              HasSubstr("run because no earlier result of it is kept"));
  write("out-a", "tampered\n");
  ran();
  EXPECT_THAT(interlock({"why", "a"}).out, HasSubstr("run because what it wrote changed since r-"));
  ran({"--fresh"});
  EXPECT_THAT(interlock({"why", "a"}).out, HasSubstr("not reused: `--fresh`"));
  // Another plan's task of that name has nothing to do with it.
  write_plan("name: other\ntasks: [{id: a, run: 'true', reads: [in/a]}, {id: u, run: 'true'}]\n",
             "other.yaml");
  ASSERT_EQ(interlock({"run", "other.yaml"}).exit, 0);
  EXPECT_THAT(interlock({"why", "a"}).out,
              HasSubstr("run because no earlier result of it is kept"));
  EXPECT_THAT(interlock({"why", "u"}).out, HasSubstr("not reused: what it reads is not declared"));
}

TEST_F(Reuse, an_equal_key_proves_nothing_for_who_read_more_than_was_declared) {
  write("more", "1\n");
  write_plan(
      "tasks: [{id: a, run: 'cat in/a more >out-a', reads: [in/a], writes: [out-a], isolation: "
      "[view, direct]}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  if (at(json_of({"show"}), "/tasks/0/reads_from") != "observed")
    GTEST_SKIP() << "reads cannot be observed on this host";
  write("more", "2\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_EQ(read("out-a"), "1\n2\n");
  EXPECT_THAT(interlock({"why", "a"}).out,
              HasSubstr("run because `more`, which it had read, changed since r-"));
  write("out-a", "tampered\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(interlock({"why", "a"}).out,
              HasSubstr("run because `out-a`, which it had made, changed since r-"));
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_NE(at(json_of({"show"}), "/tasks/0/reused_from"), "null")
      << "what it reads beyond its word is as it was";
}

TEST_F(Reuse, waits_for_what_earlier_tasks_change_also_where_it_could_start_beside_them) {
  write_plan(R"(
tasks:
  - {id: first, run: "sleep .2; cat in/a >mid", reads: [in/a], writes: [mid], isolation: [view, worktree]}
  - {id: second, run: "cat mid >out-a", reads: [mid], writes: [out-a], isolation: [view, worktree]}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  if (ended.exit == 2) GTEST_SKIP() << "neither views nor worktrees here";
  EXPECT_EQ(read("out-a"), "1\n");
  write("in/a", "new\n");
  EXPECT_EQ(interlock({"run", "plan.yaml", "--pattern", "parallel"}).exit, 0);
  EXPECT_EQ(read("out-a"), "new\n");
}

/// Tasks in views that say nothing of what they touch; one word a task for what the second run did.
class ReuseOfObserved : public Reuse {
 protected:
  void SetUp() override {
    Reuse::SetUp();
    write_plan("tasks: [{id: t, run: 'cat in/a', isolation: [view, direct]}]\n");
    ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
    if (at(json_of({"show"}), "/tasks/0/reads_from") != "observed")
      GTEST_SKIP() << "reads cannot be observed on this host";
  }
  void plan_of(const std::string& command, const std::string& more = "") {
    write_plan("tasks: [{id: t, run: '" + command + "', isolation: view" + more + "}]\n");
  }
  bool runs() {
    const Ended ended = interlock({"run", "plan.yaml"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    return at(json_of({"show"}), "/tasks/0/reused_from") == "null";
  }
  std::string why() { return interlock({"why", "t"}).out; }
};

TEST_F(ReuseOfObserved, takes_the_result_while_what_was_read_is_as_it_was) {
  plan_of("cat in/a >out; cat none 2>&1 || true", ", output: text");
  EXPECT_TRUE(runs());
  EXPECT_FALSE(runs());
  EXPECT_NE(interlock({"output", "last"}).out, "");
  write("in/b", "another\n");
  EXPECT_FALSE(runs()) << "it never read that";
  write("in/a", "new\n");
  EXPECT_TRUE(runs());
  EXPECT_EQ(read("out"), "new\n");
  EXPECT_THAT(why(), HasSubstr("run because `in/a`, which it had read, changed since r-"));
  write("none", "there now\n");
  EXPECT_TRUE(runs()) << "it had looked for it in vain";
  write("out", "tampered\n");
  EXPECT_TRUE(runs());
  EXPECT_EQ(read("out"), "new\n");
  EXPECT_THAT(why(), HasSubstr("`out`, which it had made, changed since r-"));
}

TEST_F(ReuseOfObserved, sees_names_that_come_and_go) {
  plan_of("ls in >/dev/null; ls in");
  EXPECT_TRUE(runs());
  EXPECT_FALSE(runs());
  write("in/c", "3\n");
  EXPECT_TRUE(runs());
  EXPECT_THAT(why(), HasSubstr("the listing of `in`, which it had read, changed since r-"));
}

TEST_F(ReuseOfObserved, never_where_a_second_time_makes_a_difference) {
  const auto always_runs = [&](const std::string& command, const std::string& because) {
    plan_of(command);
    EXPECT_TRUE(runs()) << command;
    EXPECT_TRUE(runs()) << command;
    EXPECT_THAT(why(), HasSubstr("its results cannot be compared (" + because)) << command;
  };
  always_runs("echo more >>log", "it makes `log` out of what was there");
  EXPECT_EQ(read("log"), "more\nmore\n");
  write("count", "1");
  always_runs("n=$(cat count); echo $((n + 1)) >count", "it makes `count` out of what was there");
  EXPECT_EQ(read("count"), "3\n");
  write_plan(
      "tasks: [{id: t, run: '[ -e once ] && echo twice >once || echo once >once', isolation: "
      "view}]\n");
  EXPECT_TRUE(runs());
  EXPECT_TRUE(runs()) << "it had looked whether that is there";
  EXPECT_EQ(read("once"), "twice\n");
  always_runs("rm -f in/b", "it deletes `in/b`)");
}

TEST_F(ReuseOfObserved, a_formatter_is_run_until_it_changes_nothing) {
  write("code", "a  b\n");
  plan_of("sed -i \"s/  / /\" code");
  EXPECT_TRUE(runs());
  EXPECT_TRUE(runs()) << "it had changed what it reads";
  EXPECT_FALSE(runs());
  EXPECT_EQ(read("code"), "a b\n");
}

TEST_F(ReuseOfObserved, works_over_needs_and_outputs) {
  write_plan(R"(
tasks:
  - {id: t, run: "cat in/a", isolation: view, output: text}
  - {id: u, run: "cat in/b; echo {outputs.t}", isolation: view, output: text}
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const std::string first = interlock({"output", "last"}).out;
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_NE(at(json_of({"show"}), "/tasks/1/reused_from"), "null");
  EXPECT_EQ(interlock({"output", "last"}).out, first);
  write("in/a", "another\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_EQ(at(json_of({"show"}), "/tasks/1/reused_from"), "null") << "it uses what `t` gives";
}

TEST_F(Reuse, never_takes_what_an_undeclared_task_did_for_granted) {
  write_plan("tasks: [{id: any, run: 'echo any >>log'}]\n");
  EXPECT_EQ(ran(), "any\n");
  EXPECT_EQ(ran(), "any\n");
}

}  // namespace

}  // namespace interlock::e2e
