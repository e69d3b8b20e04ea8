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
              HasSubstr("it had read `more`, which its `reads` do not name, since r-"));
}

TEST_F(Reuse, never_takes_what_an_undeclared_task_did_for_granted) {
  write_plan("tasks: [{id: any, run: 'echo any >>log'}]\n");
  EXPECT_EQ(ran(), "any\n");
  EXPECT_EQ(ran(), "any\n");
}

}  // namespace

}  // namespace interlock::e2e
