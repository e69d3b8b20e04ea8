#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// Small tasks that share an attempt: asked for with `batch`, before a model endpoint.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSchema =
    R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})";

/// Tasks `t1`, `t2`, ... that each ask for a number.
class Batch : public Cli {
 protected:
  Batch() { environment()["TEST_KEY"] = "sk-test"; }

  static Endpoint serve(std::string_view rules) {
    auto script = endpoint::read_script(
        fmt::format(R"({{"rules": [{}], "otherwise": {{"structured": {{"n": 7}}}}}})", rules));
    EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
    return Endpoint(script.value_or(endpoint::Script{}));
  }
  /// Answers a batch with `answer`.
  static std::string batch_rule(std::string_view answer) {
    return fmt::format(R"({{"prompt": "=== Task 1 ===", "steps": [{{"structured": {}}}]}})",
                       answer);
  }
  void plan(const Endpoint& endpoint, int tasks, const std::string& batch,
            const std::string& more = {}, const std::string& output = "{schema: n.json}") {
    write("n.json", kSchema);
    std::string text = fmt::format(
        "agents:\n  api: {{kind: chat, api: anthropic, model: m, key: TEST_KEY, base_url: "
        "\"{}\"}}\n"
        "defaults: {{agent: api, batch: {}}}\nlimits: {{parallel: 2{}}}\ntasks:\n",
        endpoint.base_url(), batch, more);
    for (int i = 1; i <= tasks; ++i)
      text += fmt::format(
          "  - {{id: t{0}, prompt: \"[[task:t{0}]] Number {0}?\", reads: [], "
          "output: {1}, estimate: {{time: 60s, tokens: 500}}}}\n",
          i, output);
    write_plan(text);
  }
  std::string output(const std::string& task) { return interlock({"output", "last", task}).out; }
  /// Of all tasks of the last run together.
  std::int64_t tokens(const std::string& part) {
    std::int64_t sum = 0;
    const auto shown = json_of({"show", "last"});
    for (const auto& task : shown.at("tasks").as_array())
      sum += task.at("tokens").at(part).as_int64();
    return sum;
  }
};

TEST_F(Batch, four_tasks_are_one_attempt_and_each_has_its_part_of_answer_and_tokens) {
  const Endpoint endpoint =
      serve(batch_rule(R"({"1": {"n": 1}, "2": {"n": 2}, "3": {"n": 3}, "4": {"n": 4}})"));
  plan(endpoint, 4, "4");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              HasSubstr("4 tasks share 1 attempt of up to 4: 15k tokens of tax saved"));
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 1u) << "one call for all";
  EXPECT_EQ(states(), "t1: done\nt2: done\nt3: done\nt4: done\n");
  for (int i = 1; i <= 4; ++i)
    EXPECT_EQ(output(fmt::format("t{}", i)), fmt::format("{{\"n\":{}}}", i));
  const auto usage = *endpoint.entries().front().usage;
  EXPECT_EQ(tokens("input"), usage.input);
  EXPECT_EQ(tokens("output"), usage.output);
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/history/0/batched_with"), R"(["t2","t3","t4"])");
  EXPECT_EQ(at(shown, "/tasks/2/history/0/batched_with"), R"(["t1"])");
  EXPECT_THAT(interlock({"why", "last", "t3"}).out, HasSubstr("in one attempt with `t1`"));
  EXPECT_EQ(interlock({"log", "last", "t3"}).exit, 0);
  const Ended again = interlock({"run", "plan.yaml"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(endpoint.entries().size(), 1u) << "each result is kept by itself";
}

TEST_F(Batch, a_missing_part_and_a_bad_one_are_asked_for_again_alone_without_a_retry) {
  const Endpoint endpoint =
      serve(batch_rule(R"({"1": {"n": 1}, "2": {"n": "two"}, "4": {"n": 4}})"));
  plan(endpoint, 4, "4");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 3u) << "the batch, and two tasks alone";
  EXPECT_EQ(output("t1") + output("t2") + output("t3") + output("t4"),
            R"({"n":1}{"n":7}{"n":7}{"n":4})");
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/attempts"), "1");
  EXPECT_EQ(at(shown, "/tasks/1/history/0/outcome"), "output-invalid");
  EXPECT_EQ(at(shown, "/tasks/2/history/0/outcome"), "output-missing");
  EXPECT_EQ(at(shown, "/tasks/2/history/1/batched_with"), "null");
}

TEST_F(Batch, an_answer_that_is_no_json_lets_each_task_be_asked_alone) {
  const Endpoint endpoint =
      serve(R"({"prompt": "=== Task 1 ===", "steps": [{"text": "I would rather not."}]})");
  plan(endpoint, 3, "3");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 4u);
  EXPECT_EQ(states(), "t1: done\nt2: done\nt3: done\n");
  EXPECT_EQ(output("t3"), R"({"n":7})");
}

TEST_F(Batch, prose_comes_back_as_prose) {
  const Endpoint endpoint = serve(batch_rule(R"({"1": "One.", "2": "Two."})"));
  plan(endpoint, 2, "2", {}, "text");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(output("t1") + output("t2"), "One.Two.");
  EXPECT_EQ(endpoint.entries().size(), 1u);
}

TEST_F(Batch, auto_fills_every_slot_and_says_what_it_saves_and_risks) {
  const Endpoint endpoint = serve({});
  plan(endpoint, 8, "auto");
  const auto planned = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(planned, "/batches/attempts"), R"([["t1","t2","t3","t4"],["t5","t6","t7","t8"]])");
  EXPECT_EQ(at(planned, "/batches/saved_tokens"), "30000");
  plan(endpoint, 2, "auto");
  EXPECT_EQ(at(json_of({"plan", "plan.yaml"}), "/batches/attempts"), "[]")
      << "there is a slot for each";
  plan(endpoint, 8, "none");
  EXPECT_EQ(at(json_of({"plan", "plan.yaml"}), "/batches"), "null");
}

TEST_F(Batch, a_dispatcher_killed_in_the_middle_of_a_batch_loses_nothing) {
  const Endpoint endpoint = serve(R"({"prompt": "=== Task 1 ===", "steps": [{"hang": true}]})");
  plan(endpoint, 3, "3");
  {
    Running run = start({"run", "plan.yaml"});
    EXPECT_TRUE(endpoint.wait_until([](const auto& entries) { return !entries.empty(); }));
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 128 + SIGKILL);
  }
  const Ended resumed = interlock({"resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(states(), "t1: done\nt2: done\nt3: done\n");
  EXPECT_EQ(output("t2"), R"({"n":7})");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/history/0/outcome"), "interrupted");
}

TEST_F(Batch, a_recorded_batch_is_replayed_without_a_call) {
  const Endpoint endpoint = serve(batch_rule(R"({"1": {"n": 1}, "2": {"n": 2}, "3": {"n": 3}})"));
  plan(endpoint, 3, "3");
  EXPECT_EQ(interlock({"run", "plan.yaml", "--record"}).exit, 0);
  const std::string before = digest();
  const Ended replayed = interlock({"run", "plan.yaml", "--replay", "last"});
  EXPECT_EQ(replayed.exit, 0) << replayed.err;
  EXPECT_EQ(endpoint.entries().size(), 1u);
  EXPECT_EQ(digest(), before);
}

TEST_F(Batch, what_cannot_share_an_attempt_is_named) {
  const Endpoint endpoint = serve({});
  plan(endpoint, 4, "4", ", gate_every: 2");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              HasSubstr("No tasks share an attempt: a person reviews every few tasks"));
  plan(endpoint, 4, "0");
  EXPECT_THAT(
      interlock({"plan", "plan.yaml"}).err,
      AllOf(HasSubstr("`auto`, `none` or a number from 2 to 100"), Not(HasSubstr("internal"))));
}

}  // namespace

}  // namespace interlock::e2e
