#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>
#include <memory>
#include <vector>

#include "e2e/isolation_harness.h"
#include "endpoint/endpoint.h"

// Several tries of one task, of which one counts.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Tries : public Isolated {
 protected:
  void SetUp() override { need("view"); }

  /// Each try waits for the test, at a pipe of its own; then it says and writes who it was.
  void write_waiting_plan(const std::string& more) {
    for (int i = 1; i <= 3; ++i)
      pipes_.push_back(std::make_unique<NamedPipe>(fmt::format("{}/go-fix.{}", folder(), i)));
    write_plan(fmt::format(R"(
defaults: {{isolation: view}}
agents:
  judge: {{kind: command, run: "cat >&2; echo '{{\"pick\": 2, \"why\": \"it is shorter\"}}'", prompt: stdin}}
tasks:
  - id: fix
    run: "read line <../go-$INTERLOCK_TASK; echo $INTERLOCK_TASK >result; echo I am $INTERLOCK_TASK"
    output: text
    reads: []
    writes: [result]
    tries: 3
    grace: 1s
    {}
  - {{id: after, run: "cat result", reads: [result], output: text, needs: [fix]}}
)",
                           more));
  }
  /// What the judge was shown: it says it again.
  std::string asked() { return interlock({"log", "last", "fix.judge"}).out; }
  void let_go(int number) { pipes_[static_cast<std::size_t>(number - 1)]->ring(); }
  Running start_at_once() {
    return start({"run", "plan.yaml", "--pattern", "queue", "--parallel", "3", "--face", "lines"});
  }

 private:
  std::vector<std::unique_ptr<NamedPipe>> pipes_;
};

TEST_F(Tries, the_first_that_is_good_counts_and_nothing_of_the_others_is_left) {
  write_waiting_plan("verify: \"grep -q fix result\"");
  Running run = start_at_once();
  run.until_it_says("started     fix.3");
  let_go(2);
  const Ended ended = run.wait();
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("result"), "fix.2\n");
  EXPECT_EQ(states(), "fix.1: skipped\nfix.2: done\nfix.3: skipped\nfix: done\nafter: done\n");
  EXPECT_THAT(ended.err, AllOf(HasSubstr("picked"), HasSubstr("it was the first that was good"),
                               HasSubstr("`fix.2` was good first"), HasSubstr("2 not taken")));
  EXPECT_THAT(ended.err, HasSubstr("no model was asked"));
  EXPECT_EQ(interlock({"output", "last", "fix"}).out, "I am fix.2\n");
  EXPECT_EQ(interlock({"output", "last", "after"}).out, "fix.2\n");
  EXPECT_THAT(interlock({"diff", "last", "fix"}).out, HasSubstr("+fix.2"));
  EXPECT_THAT(interlock({"log", "last", "fix"}).out, HasSubstr("I am fix.2"));
  EXPECT_THAT(interlock({"why", "last", "fix"}).out,
              AllOf(HasSubstr("try `fix.1`: skipped"), HasSubstr("try `fix.2`: picked"),
                    HasSubstr("it was the first that was good")));
  EXPECT_THAT(interlock({"why", "last", "fix.1"}).out, HasSubstr("was good first"));
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/try_of"), "fix");
  EXPECT_EQ(at(shown, "/tasks/3/picked"), "fix.2");
  EXPECT_EQ(at(shown, "/totals/tries_untaken"), "2");
  EXPECT_EQ(at(shown, "/commits"), R"({"made":2,"folded":2})");
  interlock({"report", "last", "-o", "report.html"});
  EXPECT_THAT(read("report.html"), HasSubstr("was good first"));
  expect_nothing_left();
  // What it changed can be taken back as what any task changed.
  EXPECT_EQ(interlock({"undo", "last"}).exit, 0);
  EXPECT_FALSE(exists("result"));
}

TEST_F(Tries, come_to_the_digest_of_the_picked_one_alone_and_are_reused_as_one) {
  const std::string task =
      "defaults: {isolation: view}\n"
      "tasks:\n"
      "  - {id: fix, run: \"echo same >result; echo done\", "
      "output: text, reads: [], writes: [result]";
  write_plan(task + "}\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const std::string alone = digest();
  write_plan(task + ", tries: 3}\n");
  const Ended reused = interlock({"run", "plan.yaml"});
  EXPECT_EQ(reused.exit, 0) << reused.err;
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/attempts"), "0")
      << "no try is made where the result is there";
  EXPECT_THAT(interlock({"why", "last", "fix.1"}).out, HasSubstr("the result of `fix` is kept"));
  EXPECT_EQ(digest(), alone);
  ASSERT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 0);
  EXPECT_EQ(digest(), alone);
}

TEST_F(Tries, where_none_is_good_the_task_is_tried_again_as_it_says) {
  const std::string plan = R"(
defaults: {isolation: view}
agents:
  weak: {kind: command, run: "cat >/dev/null; echo weak; exit 4"}
  strong: {kind: command, run: "cat >/dev/null; echo strong >result; echo strong"}
tasks:
  - {id: fix, agent: weak, prompt: fix, reads: [], writes: [result], tries: 2, backoff: 10ms)";
  write_plan(plan + ", retries: 1, retry_with: {agent: strong}}\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "fix"}).out, "strong\n");
  EXPECT_THAT(interlock({"log", "last", "fix"}).out, AllOf(HasSubstr("weak"), HasSubstr("strong")));
  EXPECT_EQ(read("result"), "strong\n");
  EXPECT_EQ(states(), "fix.1: skipped\nfix.2: skipped\nfix: done\n");
  write_plan(plan + "}\n");
  const Ended failed = interlock({"run", "plan.yaml", "--fresh"});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_THAT(failed.err, HasSubstr("none of its 2 tries was good: `fix.1`: exit status 4"));
  EXPECT_EQ(states(), "fix.1: skipped\nfix.2: skipped\nfix: failed\n");
  expect_nothing_left();
}

TEST_F(Tries, a_judge_is_shown_what_each_answered_and_changed_and_says_why) {
  write_waiting_plan("pick: {judge: {agent: judge}}");
  Running run = start_at_once();
  run.until_it_says("started     fix.3");
  for (int i = 1; i <= 3; ++i) let_go(i);
  const Ended ended = run.wait();
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("result"), "fix.2\n");
  EXPECT_EQ(states(),
            "fix.1: skipped\nfix.2: done\nfix.3: skipped\nfix.judge: done\nfix: done\nafter: "
            "done\n");
  EXPECT_THAT(asked(),
              AllOf(HasSubstr("# Try 1"), HasSubstr("I am fix.1"), HasSubstr("+fix.1"),
                    HasSubstr("# Try 3"), HasSubstr("+fix.3"), HasSubstr("one of 1, 2 and 3")));
  EXPECT_THAT(interlock({"why", "last", "fix"}).out, HasSubstr("it is shorter"));
  EXPECT_THAT(interlock({"why", "last", "fix.3"}).out, HasSubstr("`fix.2` was picked"));
  expect_nothing_left();
}

TEST_F(Tries, a_judge_who_picks_what_was_not_good_is_told_so_and_then_the_task_is_not_done) {
  write_plan(R"(
defaults: {isolation: view}
agents:
  judge: {kind: command, run: "cat >&2; cat ../verdict"}
tasks:
  - {id: fix, run: "test $INTERLOCK_TASK != fix.1 && echo x >result", reads: [], writes: [result], tries: 3, pick: {judge: {agent: judge}}}
)");
  write("../verdict", R"({"pick": 1, "why": "so"})");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_EQ(states(),
            "fix.1: skipped\nfix.2: done\nfix.3: done\nfix.judge: failed\nfix: skipped\n");
  EXPECT_THAT(asked(), HasSubstr("it picked try 1, which was not shown to it"));
  EXPECT_FALSE(exists("result"));
  // What was good is still there for a judge who knows better.
  write("../verdict", R"({"pick": 3, "why": "so"})");
  const Ended again = interlock({"retry", "last", "fix.judge"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(states(), "fix.1: skipped\nfix.2: skipped\nfix.3: done\nfix.judge: done\nfix: done\n");
  EXPECT_EQ(read("result"), "x\n");
}

TEST_F(Tries, whose_dispatcher_is_killed_go_on_where_they_were) {
  write_waiting_plan("pick: {judge: {agent: judge}}");
  {
    Running run = start_at_once();
    run.until_it_says("started     fix.3");
    let_go(1);
    run.until_it_says("good");
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 137);
  }
  EXPECT_EQ(states().substr(0, 12), "fix.1: done\n");
  Running again = start({"resume", "last", "--face", "lines"});
  again.until_it_says("started     fix.3");
  let_go(2);
  let_go(3);
  const Ended ended = again.wait();
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("result"), "fix.2\n");
  EXPECT_THAT(asked(), AllOf(HasSubstr("+fix.1"), HasSubstr("+fix.2")));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/attempts"), "1")
      << "what was good is not done again";
  expect_nothing_left();
}

TEST_F(Tries, that_are_interrupted_go_on_when_the_run_does) {
  write_waiting_plan("verify: \"true\"");
  {
    Running run = start_at_once();
    run.until_it_says("started     fix.3");
    run.send(SIGINT);
    EXPECT_EQ(run.wait().exit, 130);
  }
  EXPECT_THAT(states(), HasSubstr("fix: waiting"));
  Running again = start({"resume", "last", "--face", "lines"});
  again.until_it_says("started     fix.3");
  let_go(3);
  const Ended ended = again.wait();
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("result"), "fix.3\n");
  expect_nothing_left();
}

TEST_F(Tries, of_agents_that_ask_models_cost_what_each_asked_for) {
  auto script = endpoint::read_script(R"({"rules": [
      {"prompt": "Several tries were made", "steps": [{"text": "{\"pick\": 2, \"why\": \"clearer\"}"}]}],
    "otherwise": {"text": "An answer."}})");
  ASSERT_TRUE(script);
  const endpoint::Endpoint endpoint(*script);
  environment()["THE_KEY"] = "sk-very-secret";
  write_plan(fmt::format(R"(
agents:
  model: {{kind: chat, api: openai, base_url: "{}/v1", model: gpt-5-mini, key: THE_KEY}}
tasks:
  - {{id: ask, agent: model, prompt: "one?", isolation: view, reads: [], writes: [], output: text, tries: 3, pick: judge}}
)",
                         endpoint.base_url()));
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 4u) << "three tries and the judge";
  EXPECT_EQ(interlock({"output", "last", "ask"}).out, "An answer.");
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/4/picked"), "ask.2");
  EXPECT_EQ(at(shown, "/tasks/4/picked_because"), "clearer");
  EXPECT_EQ(at(shown, "/totals/tries_untaken"), "2");
  EXPECT_NE(at(shown, "/totals/untaken_tokens"), "null");
  EXPECT_NE(at(shown, "/totals/untaken_tokens"), "0");
  EXPECT_THAT(interlock({"why", "last", "ask"}).out, HasSubstr("tokens"));
}

}  // namespace
}  // namespace interlock::e2e
