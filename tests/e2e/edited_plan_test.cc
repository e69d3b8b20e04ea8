#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"

// A run keeps the plan it was made of, and says so where its file was edited since.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class EditedPlan : public Cli {
 protected:
  /// `first` ends well and `second` fails, unless the plan is edited.
  void plan_with(const std::string& first, const std::string& second,
                 const std::string& more = "") {
    write_plan("tasks:\n  - {id: first, run: \"" + first +
               "\", reads: [], writes: [one]}\n  - {id: second, run: \"" + second +
               "\", reads: [], writes: [two]}\n" + more);
  }
  void SetUp() override {
    plan_with("echo 1 >>one", "exit 1");
    ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  }
};

TEST_F(EditedPlan, is_taken_where_what_it_changes_has_no_result) {
  plan_with("echo 1 >>one", "echo 2 >>two");
  const Ended ended = interlock({"retry", "last"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("plan `plan.yaml` was edited since (`second` differs): run r-"));
  EXPECT_THAT(ended.err, HasSubstr("goes on with it as it is now"));
  EXPECT_EQ(read("one") + read("two"), "1\n2\n") << "what was done is not done again";
  EXPECT_EQ(states(), "first: done\nsecond: done\n");
  EXPECT_THAT(interlock({"resume", "last"}).err, Not(HasSubstr("edited")))
      << "it is the run's own now";
}

TEST_F(EditedPlan, of_another_layout_is_the_same_plan) {
  plan_with("echo 1 >>one", "exit 1", "# a comment\n");
  EXPECT_THAT(interlock({"retry", "last"}).err, Not(HasSubstr("edited")));
}

TEST_F(EditedPlan, has_to_be_chosen_where_what_it_changes_has_a_result) {
  plan_with("echo new >>one", "echo 2 >>two");
  for (const char* verb : {"retry", "resume"}) {
    const Ended asked = interlock({verb, "last"});
    EXPECT_EQ(asked.exit, 3) << verb;
    EXPECT_THAT(asked.err, HasSubstr("`first` has a result of the plan as it was"));
    EXPECT_THAT(asked.err,
                HasSubstr("`--plan old` goes on with the plan as it was, `--plan new` starts"));
  }
  EXPECT_FALSE(exists("two"));
  const std::string run = at(json_of({"show", "last"}), "/run");
  const Ended as_it_was = interlock({"retry", "last", "--plan", "old"});
  EXPECT_EQ(as_it_was.exit, 1) << "the old one fails as it did";
  EXPECT_THAT(as_it_was.err, HasSubstr("goes on with the plan it began with"));
  const Ended anew = interlock({"retry", "last", "--plan", "new"});
  EXPECT_EQ(anew.exit, 0) << anew.err;
  EXPECT_THAT(anew.err, HasSubstr("a new run of the edited plan begins"));
  EXPECT_NE(at(json_of({"show", "last"}), "/run"), run);
  EXPECT_EQ(read("one") + read("two"), "1\nnew\n2\n");
}

TEST_F(EditedPlan, is_compared_with_its_prompts_and_schemas) {
  write("fits.json", "{\"type\": \"object\"}");
  write_plan("tasks:\n  - {id: a, run: \"echo '[]'\", reads: [], output: {schema: fits.json}}\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  write("fits.json", "{\"type\": \"array\"}");
  const Ended ended = interlock({"retry", "last"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("`a` differs"));
}

TEST_F(EditedPlan, that_cannot_be_read_stops_what_would_follow_it) {
  write_plan("tasks: [{id: first, rum: x}]\n");
  const Ended wrong = interlock({"retry", "last"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("unknown key `rum`"));
  EXPECT_THAT(wrong.err, HasSubstr("`--plan old`"));
  EXPECT_EQ(interlock({"retry", "last", "--plan", "old"}).exit, 1);
}

TEST_F(EditedPlan, may_have_more_tasks_at_its_end) {
  plan_with("echo 1 >>one", "echo 2 >>two",
            "  - {id: third, run: \"cat one two >three\", needs: second}\n");
  const Ended ended = interlock({"retry", "last"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("`second` differs and 1 task is new"));
  EXPECT_EQ(read("three"), "1\n2\n");
}

TEST_F(EditedPlan, is_not_what_a_foreach_matches_since_then) {
  write("in/a", "");
  write_plan(R"(tasks:
  - {id: "t-{item.name}", foreach: "in/*", run: "touch in/b; exit 1", reads: []}
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_THAT(interlock({"retry", "last"}).err, Not(HasSubstr("edited")));
}

TEST_F(EditedPlan, of_a_run_that_has_grown_is_refused_with_what_to_do) {
  {
    Running queue = start({"queue", "start", "--plan", "plan.yaml", "--foreground"});
    queue.until_it_says("failed");
    const Ended added = interlock({"add", "--id", "extra", "-w", "x", "--", "true"});
    ASSERT_EQ(added.exit, 0) << added.err;
    ASSERT_EQ(interlock({"wait", "default", "extra"}).exit, 0);
    queue.send(SIGKILL);
    queue.wait();
  }
  // Another task of that name, which the added one cannot join.
  plan_with("echo 1 >>one", "exit 1",
            "  - {id: extra, run: \"true\", reads: [], writes: [three]}\n");
  const Ended refused = interlock({"resume", "default"});
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("was edited since run r-"));
  EXPECT_THAT(refused.err, HasSubstr("tasks were added to the run"));
  EXPECT_THAT(refused.err, HasSubstr("has none of the tasks that were added to this run"));
}

}  // namespace

}  // namespace interlock::e2e
