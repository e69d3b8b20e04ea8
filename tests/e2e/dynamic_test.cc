#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <csignal>
#include <filesystem>

#include "e2e/cli_harness.h"

// Plans that grow out of what their tasks give: `foreach` over an output, `repeat`, `any_of`.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Dynamic : public Cli {
 protected:
  int run(const std::string& plan, const std::string& option = "--fresh") {
    write_plan(plan);
    const Ended ended = interlock({"run", "plan.yaml", option});
    said_ = ended.err;
    return ended.exit;
  }
  std::string why(const std::string& task) { return interlock({"why", "last", task}).out; }
  std::string said_;
};

/// `split` prints the file `items`; `after` needs all that comes of it.
const std::string kFan = R"(
tasks:
  - {id: split, run: "cat items", reads: [items], output: json}
  - id: "do-{item}"
    foreach: "{outputs.split.items}"
    at_most: 4
    run: "printf '%s\n' {item} | tee out/{index}"
    reads: []
    writes: ["out/{index}"]
    output: text
  - {id: after, needs: ["do-*"], run: "echo after; ls out", reads: ["out/**"], output: text}
merge:
  all: {from: "do-*", with: lines}
)";

TEST_F(Dynamic, a_foreach_over_an_output_makes_a_task_of_each_item) {
  std::filesystem::create_directory(workspace() + "/out");
  write("items", R"~({"items": ["b", "a c", "d'$(x)"]})~");
  ASSERT_EQ(run(kFan), 0) << said_;
  EXPECT_EQ(states(), "split: done\ndo-b: done\ndo-a-c: done\ndo-d-x: done\nafter: done\n");
  EXPECT_EQ(interlock({"output", "last", "do-d-x"}).out, "d'$(x)\n");
  EXPECT_EQ(interlock({"output", "last", "after"}).out, "after\n1\n2\n3\n");
  EXPECT_EQ(interlock({"output", "last", "all"}).out, "b\na c\nd'$(x)\n");
  EXPECT_THAT(interlock({"show", "last"}).out, Not(HasSubstr("do[4]")));
}

TEST_F(Dynamic, of_no_items_no_task_comes_and_those_behind_go_on) {
  std::filesystem::create_directory(workspace() + "/out");
  write("items", R"({"items": []})");
  ASSERT_EQ(run(kFan), 0) << said_;
  EXPECT_EQ(states(), "split: done\nafter: done\n");
  EXPECT_EQ(interlock({"output", "last", "all"}).out, "");
}

TEST_F(Dynamic, items_that_are_too_many_or_no_list_or_twice_fail_and_say_so) {
  std::filesystem::create_directory(workspace() + "/out");
  write("items", R"({"items": ["1", "2", "3", "4", "5"]})");
  EXPECT_EQ(run(kFan), 1);
  EXPECT_THAT(said_, HasSubstr("`split` gave 5 items, and `at_most` is 4"));
  write("items", R"({"items": {"a": 1}})");
  EXPECT_EQ(run(kFan), 1);
  EXPECT_THAT(said_, HasSubstr(R"(is {"a":1}, not a list)"));
  write("items", R"({"items": ["a b", "a-b"]})");
  EXPECT_EQ(run(kFan), 1);
  EXPECT_THAT(said_, HasSubstr("two items give the same id `do-a-b`"));
  EXPECT_THAT(states(), HasSubstr("after: skipped"));
}

TEST_F(Dynamic, a_family_is_asked_for_by_the_name_it_is_shown_by) {
  std::filesystem::create_directory(workspace() + "/out");
  write("items", R"({"items": ["1", "2", "3", "4", "5"]})");
  EXPECT_EQ(run(kFan), 1);
  EXPECT_THAT(said_, HasSubstr("interlock log"));
  EXPECT_EQ(interlock({"log", "last", "do-{item}"}).exit, 0);
  EXPECT_THAT(interlock({"why", "last", "do-{item}"}).out, HasSubstr("`at_most` is 4"));
  EXPECT_THAT(interlock({"why", "do-{item}"}).out, HasSubstr("`at_most` is 4"));
  const Ended nobody = interlock({"why", "last"});
  EXPECT_EQ(nobody.exit, 2);
  EXPECT_THAT(nobody.err, AllOf(HasSubstr("which task of run"), HasSubstr("its tasks: split, ")));
  write("items", R"({"items": ["1"]})");
  EXPECT_EQ(run(kFan), 0);
  const Ended by_family = interlock({"why", "last", "do-{item}"});
  EXPECT_EQ(by_family.exit, 2);
  EXPECT_THAT(by_family.err, Not(HasSubstr("[2]"))) << "no task came of that place";
}

TEST_F(Dynamic, of_a_failed_producer_no_task_comes) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: split, run: "exit 3", reads: [], output: json}
  - {id: "do-{index}", foreach: "{outputs.split}", at_most: 2, run: "true", reads: []}
  - {id: other, run: "true", reads: []}
)"),
            1);
  EXPECT_THAT(states(), AllOf(HasSubstr("split: failed"), HasSubstr("other: done")));
}

TEST_F(Dynamic, a_thousand_items_are_a_thousand_tasks) {
  ASSERT_EQ(run(R"(
limits: {parallel: 8}
tasks:
  - {id: split, run: "seq 1000", reads: [], output: text}
  - {id: "n-{item}", foreach: "{outputs.split}", at_most: 1000, run: [echo, "{item}"], reads: [], output: text}
merge:
  all: {from: "n-*", with: lines}
)"),
            0)
      << said_;
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1000/id"), "n-1000");
  EXPECT_EQ(interlock({"output", "last", "all"}).out.substr(0, 6), "1\n2\n3\n");
}

TEST_F(Dynamic, what_cannot_meet_the_family_goes_ahead_and_what_may_meet_it_waits) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(R"(
limits: {parallel: 4, min_saving: 0s}
tasks:
  - {id: split, run: "echo here >../here; read line <../go; echo x", reads: [], output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", at_most: 2, run: "echo {item} >notes/{item}", reads: [], writes: ["notes/{item}"]}
  - {id: apart, run: "echo here >../here", reads: [], writes: [elsewhere]}
  - {id: meets, run: "cat notes/x", reads: ["notes/*"], output: text}
)");
  std::filesystem::create_directory(workspace() + "/notes");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel"});
  EXPECT_EQ(here.next(), "here");
  EXPECT_EQ(here.next(), "here") << "`apart` ran while `split` waits for the test";
  EXPECT_THAT(why("meets"), HasSubstr("notes/*"));
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(interlock({"output", "last", "meets"}).out, "x\n");
}

TEST_F(Dynamic, a_kill_in_the_middle_and_a_resume_give_what_the_run_one_by_one_gives) {
  const std::string plan = R"(
limits: {parallel: 3, min_saving: 0s}
tasks:
  - {id: split, run: "echo split >>../log; printf 'a\nb\nc\n'", reads: [], output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", at_most: 5, run: "echo {item} >>../log; test {item} != b || { echo here >../here; read line <../go; }; echo {item} >{item}", reads: [], writes: ["{item}"]}
  - {id: join, needs: ["do-*"], run: "cat a b c", reads: [a, b, c], output: text}
)";
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan(plan);
  for (int kill = 0; kill < 2; ++kill) {
    Running run =
        kill == 0 ? start({"run", "plan.yaml", "--pattern", "parallel"}) : start({"resume"});
    ASSERT_EQ(here.next(), "here");
    run.send(SIGKILL);
    run.wait();
  }
  Running again = start({"resume"});
  ASSERT_EQ(here.next(), "here");
  go.ring();
  const Ended ended = again.wait();
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(states(), "split: done\ndo-a: done\ndo-b: done\ndo-c: done\njoin: done\n");
  const std::string interrupted = digest();
  const std::string log = read("../log");
  EXPECT_EQ(std::count(log.begin(), log.end(), 't'), 1) << "split is done once: " << log;
  Running alone = start({"run", "plan.yaml", "--fresh", "--pattern", "sequential"});
  ASSERT_EQ(here.next(), "here");
  go.ring();
  ASSERT_EQ(alone.wait().exit, 0);
  EXPECT_EQ(digest(), interrupted);
}

TEST_F(Dynamic, forecasts_say_that_they_count_all_that_may_come) {
  write_plan(R"~(
tasks:
  - {id: split, run: "seq 3", reads: [], output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", at_most: 5, run: "true", reads: [], writes: ["{item}"]}
  - repeat: {until: "outputs.look == 'yes'", at_most: 4}
    tasks: [{id: look, run: "echo yes", reads: [], output: text}]
)~");
  const boost::json::value plan = json_of({"plan", "plan.yaml"});
  const std::string reasons = boost::json::serialize(plan.at("decision").at("reasons"));
  EXPECT_THAT(reasons, HasSubstr("`do-{item}` is counted with all 5 tasks that may come of the "
                                 "output of `split`; how many do is known then"));
  EXPECT_THAT(reasons, HasSubstr("`look` is counted with all its 4 rounds"));
}

TEST_F(Dynamic, rounds_go_on_until_it_is_enough) {
  const std::string plan = R"~(
tasks:
  - repeat: {until: "outputs.review.left == 0", at_most: 4}
    tasks:
      - {id: review, run: "printf '{\"left\": %d}' $(wc -l <todo)", reads: [todo], output: json}
      - {id: fix, when: "outputs.review.left > 0", run: "sed -i 1d todo; echo was {outputs.review} before {previous.review}", reads: [], writes: [todo], output: text}
  - {id: tell, run: "echo {outputs.review} {outputs.fix}", reads: [], output: text}
merge:
  last: {from: [review], with: list}
)~";
  write("todo", "1\n2\n");
  ASSERT_EQ(run(plan), 0) << said_;
  EXPECT_EQ(states(),
            "review.1: done\nfix.1: done\nreview.2: done\nfix.2: done\nreview.3: done\n"
            "fix.3: skipped\nreview.4: skipped\nfix.4: skipped\nreview.until: done\ntell: done\n");
  EXPECT_EQ(interlock({"output", "last", "tell"}).out,
            "{\"left\": 0} was {\"left\": 1} before {\"left\": 2}\n");
  EXPECT_THAT(interlock({"output", "last", "last"}).out, HasSubstr("0"));
  EXPECT_EQ(read("todo"), "");
  EXPECT_THAT(interlock({"why", "last", "review.4"}).out,
              HasSubstr("round 3 was enough: `outputs.review.left == 0` holds"));
  EXPECT_THAT(interlock({"why", "last", "fix.3"}).out,
              HasSubstr("its condition `outputs.review.left > 0` does not hold: "
                        "`outputs.review.left` is 0\n"))
      << "not what it was in the rounds before";
}

TEST_F(Dynamic, rounds_that_are_never_enough_fail_what_needs_them) {
  EXPECT_EQ(run(R"(
tasks:
  - {id: look, run: "echo no", reads: [], output: text, repeat: {until: "outputs.look == 'yes'", at_most: 2}}
  - {id: publish, needs: [look], run: "touch published", reads: [], writes: [published]}
)"),
            1);
  EXPECT_EQ(states(), "look.1: done\nlook.2: done\nlook.until: failed\npublish: skipped\n");
  EXPECT_THAT(why("look.until"), HasSubstr("what is repeated was never enough"));
  EXPECT_THAT(why("look.until"), HasSubstr("`outputs.look` is \"no\" in round 1 and "
                                           "`outputs.look` is \"no\" in round 2"));
  EXPECT_FALSE(exists("published"));
}

TEST_F(Dynamic, one_of_several_needs_is_enough) {
  const std::string plan = R"(
tasks:
  - {id: quick, run: "test -e quick", reads: [quick]}
  - {id: slow, run: "test -e slow", reads: [slow]}
  - {id: use, needs: {any_of: [quick, slow]}, run: "echo used", reads: [], output: text}
)";
  write("slow", "");
  EXPECT_EQ(run(plan), 1) << "a task failed";
  EXPECT_EQ(states(), "quick: failed\nslow: done\nuse: done\n");
  std::filesystem::remove(workspace() + "/slow");
  EXPECT_EQ(run(plan), 1);
  EXPECT_EQ(states(), "quick: failed\nslow: failed\nuse: skipped\n");
}

TEST_F(Dynamic, after_a_failure_a_stronger_agent_tries) {
  EXPECT_EQ(run(R"(
agents:
  weak: {kind: command, prompt: stdin, run: "cat >>asked; echo by weak >>asked; exit 1"}
  strong: {kind: command, prompt: stdin, run: "cat >>asked; echo by strong >>asked; echo done"}
tasks:
  - {id: hard, agent: weak, prompt: "do it ", retries: 1, backoff: 1ms, retry_with: {agent: strong}, reads: [], writes: [asked]}
)"),
            0)
      << said_;
  EXPECT_EQ(read("asked"), "do it by weak\ndo it by strong\n");
  EXPECT_EQ(interlock({"output", "last", "hard"}).out, "done\n");
  write_plan(R"(
agents: {weak: {kind: command, run: x}}
tasks:
  - {id: a, agent: weak, prompt: x, retry_with: {agent: weak}}
  - {id: b, run: x, retries: 1, retry_with: {agent: weak}}
  - {id: c, agent: weak, prompt: x, retries: 1, retry_with: {agent: week}}
)");
  const Ended ended = interlock({"plan", "plan.yaml"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("nothing is tried again here"),
                               HasSubstr("a command of the task's own is not given to an agent"),
                               HasSubstr("week")));
}

TEST_F(Dynamic, init_fix_splits_fans_out_and_mends_until_it_is_reviewed) {
  ASSERT_EQ(interlock({"init", "fix"}).exit, 0);
  const Ended ended = interlock({"run", "interlock.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(states(),
            "split: done\nwrite-setup: done\nwrite-usage: done\nwrite-trouble: done\n"
            "review.1: done\nfix.1: done\nreview.2: done\nfix.2: skipped\nreview.3: skipped\n"
            "fix.3: skipped\nreview.until: done\njoin: done\n");
  EXPECT_THAT(interlock({"output", "last", "manual"}).out, HasSubstr("Example: usage"));
}

}  // namespace

}  // namespace interlock::e2e
