#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"

// Tasks that run only where their condition holds.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Condition : public Cli {
 protected:
  int run(const std::string& plan) {
    write_plan(plan);
    const Ended ended = interlock({"run", "plan.yaml"});
    said_ = ended.err;
    return ended.exit;
  }
  std::string why(const std::string& task) { return interlock({"why", "last", task}).out; }
  std::string said_;
};

constexpr const char* kReview = R"(
tasks:
  - {id: review, run: "cat verdict", reads: [verdict], output: json}
  - id: fix
    when: "outputs.review.approved == false"
    run: "echo fixed {outputs.review} | tee fixed"
    reads: []
    writes: [fixed]
    output: text
  - {id: publish, needs: [fix], run: "ls", reads: ["**"], output: text}
  - {id: tell, run: "echo {outputs.fix}", reads: [], output: text}
merge:
  told: {from: [fix, publish], with: lines}
)";

TEST_F(Condition, where_it_holds_the_task_runs) {
  write("verdict", R"({"approved": false})");
  ASSERT_EQ(run(kReview), 0) << said_;
  EXPECT_EQ(states(), "review: done\nfix: done\npublish: done\ntell: done\n");
  EXPECT_THAT(interlock({"output", "last", "told"}).out, HasSubstr("fixed {\"approved\""));
}

TEST_F(Condition, where_it_does_not_hold_nothing_fails_and_those_that_need_it_go_on_without) {
  write("verdict", R"({"approved": true})");
  ASSERT_EQ(run(kReview), 0) << said_;
  EXPECT_EQ(states(), "review: done\nfix: skipped\npublish: done\ntell: skipped\n");
  EXPECT_FALSE(exists("fixed"));
  const std::string reason =
      "its condition `outputs.review.approved == false` does not hold: `outputs.review.approved` "
      "is true";
  EXPECT_THAT(why("fix"), HasSubstr(reason));
  EXPECT_THAT(said_, HasSubstr(reason));
  EXPECT_THAT(interlock({"show", "last"}).out, HasSubstr("its condition"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/detail"), reason);
  EXPECT_THAT(why("tell"), HasSubstr("it takes the output of `fix`, which was not needed"));
  EXPECT_THAT(interlock({"output", "last", "told"}).out, HasSubstr("verdict"));
  interlock({"report", "last", "-o", "report.html"});
  EXPECT_THAT(read("report.html"), HasSubstr("does not hold"));
  const Ended again = interlock({"retry", "last", "fix"});
  EXPECT_EQ(again.exit, 3);
  EXPECT_THAT(again.err, HasSubstr("was not needed"));
}

TEST_F(Condition, of_how_a_task_ended_also_holds_of_one_that_failed) {
  ASSERT_EQ(run(R"(
tasks:
  - {id: build, run: "exit 3", reads: []}
  - {id: after, needs: [build], run: "true", reads: []}
  - {id: mend, when: "outcome.build == 'failed' and outcome.after != 'done'", run: "echo mend", reads: [], output: text}
  - {id: cheer, when: "outcome.build == 'done'", run: "echo cheer", reads: []}
)"),
            1)
      << said_;
  EXPECT_EQ(states(), "build: failed\nafter: skipped\nmend: done\ncheer: skipped\n");
  EXPECT_THAT(why("cheer"), HasSubstr("`outcome.build` is \"failed\""));
}

TEST_F(Condition, what_is_asked_again_lets_a_condition_be_asked_again) {
  const std::string plan = R"(
tasks:
  - {id: build, run: "test -e ok", reads: [ok]}
  - {id: cheer, when: "outcome.build == 'done'", run: "echo cheer", reads: [], output: text}
)";
  ASSERT_EQ(run(plan), 1) << said_;
  EXPECT_EQ(states(), "build: failed\ncheer: skipped\n");
  write("ok", "");
  const Ended again = interlock({"retry", "last", "build"});
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(states(), "build: done\ncheer: done\n");
}

TEST_F(Condition, that_cannot_be_told_fails_the_task_and_says_of_what) {
  ASSERT_EQ(run(R"(
tasks:
  - {id: count, run: "echo many", reads: [], output: text}
  - {id: more, when: "outputs.count > 3", run: "true", reads: []}
)"),
            1)
      << said_;
  EXPECT_EQ(states(), "count: done\nmore: failed\n");
  EXPECT_THAT(why("more"), HasSubstr("cannot be told: `3` is 3 and `outputs.count` is \"many\""));
}

TEST_F(Condition, that_is_wrong_is_pointed_at_before_anything_runs) {
  write_plan(R"(
tasks:
  - {id: count, run: "echo 1", output: text}
  - id: more
    when: "outputs.count > 3 && true"
    run: "true"
  - id: less
    when: "outcome.count == 'broken' or outputs.cuont < 3 or outputs.count.x"
    run: "true"
)");
  const Ended ended = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr(R"(plan.yaml:6:30: error: `&&` is not known here
    6 |     when: "outputs.count > 3 && true"
      |                              ^~
  hint: write `and`)"));
  EXPECT_THAT(ended.err, HasSubstr("no task ends as `broken`"));
  EXPECT_THAT(ended.err, HasSubstr("no task `cuont`"));
  EXPECT_THAT(ended.err, HasSubstr("is text, which has no members"));
}

TEST_F(Condition, a_plan_says_who_waits_for_whom_because_of_it) {
  write_plan(R"(
tasks:
  - {id: build, run: "true", reads: []}
  - {id: mend, when: "outcome.build == 'failed'", run: "true", reads: []}
)");
  const auto planned = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(planned, "/interlocking/0/why"), "outcome");
  EXPECT_EQ(at(planned, "/tasks/1/when"), "outcome.build == 'failed'");
}

TEST_F(Condition, each_file_of_a_foreach_may_have_its_own) {
  write("in/a.md", "");
  write("in/b.md", "");
  ASSERT_EQ(run(R"(
tasks:
  - {id: pick, run: "echo '[\"b\"]'", reads: [], output: json}
  - id: "do-{item.stem}"
    foreach: "in/*.md"
    when: "{item.stem} in outputs.pick"
    run: "echo {item.stem}"
    reads: ["{item}"]
    output: text
)"),
            0)
      << said_;
  EXPECT_EQ(states(), "pick: done\ndo-a: skipped\ndo-b: done\n");
}

TEST_F(Condition, holds_or_not_after_a_crash_as_before) {
  const std::string plan = R"(
tasks:
  - {id: review, run: "echo '{\"score\": 4}'", reads: [], output: json}
  - {id: low, when: "outputs.review.score < 5", run: "echo low", reads: [], output: text}
  - {id: high, when: "outputs.review.score >= 5", run: "echo high", reads: [], output: text}
  - {id: slow, needs: [low, high], run: "echo here >../here; read line <../go", reads: [], writes: [x]}
  - {id: last, when: "outcome.slow == 'done' and outcome.high == 'skipped'", run: "echo end", reads: [], output: text}
)";
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(plan);
  Running run = start({"run", "plan.yaml"});
  ASSERT_EQ(here.next(), "here");
  run.send(SIGKILL);
  run.wait();
  Running again = start({"resume"});
  ASSERT_EQ(here.next(), "here");
  go.ring();
  EXPECT_EQ(again.wait().exit, 0);
  EXPECT_EQ(states(), "review: done\nlow: done\nhigh: skipped\nslow: done\nlast: done\n");
  const std::string interrupted = digest();
  Running whole = start({"run", "plan.yaml", "--fresh"});
  ASSERT_EQ(here.next(), "here");
  go.ring();
  EXPECT_EQ(whole.wait().exit, 0);
  EXPECT_EQ(digest(), interrupted);
}

}  // namespace

}  // namespace interlock::e2e
