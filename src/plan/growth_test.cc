#include "plan/growth.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/fake_files.h"

namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

class PlanGrowth : public ::testing::Test {
 protected:
  PlanGrowth() : files({{"/plans/sources/a.md", ""}, {"/plans/sources/b c.md", ""}}) {
    options.file = "plan.yaml";
    options.folder = "/plans";
    auto read = read_plan(R"(interlock: 1
defaults: {agent: claude, retries: 3, timeout: 7m}
agents: {claude: {kind: claude-code}}
resources: {database: {kind: lock}}
tasks:
  - {id: split, prompt: Split it, output: json}
  - {id: build, run: [make]}
)",
                          options, files);
    EXPECT_EQ(render(read.problems, "plan.yaml"), "");
    plan = std::move(read.plan);
  }
  /// What is wrong with them; empty: they were added.
  std::string add(std::string_view tasks) {
    if (!growth) growth.emplace(plan);
    std::string text;
    for (const Problem& one : growth->add(tasks, options, files, plan))
      text += fmt::format("{}{}\n", one.message, one.hint.empty() ? "" : " (" + one.hint + ")");
    return text;
  }

  FakeFiles files;
  ReadOptions options;
  Plan plan;
  std::optional<Growth> growth;
};

TEST_F(PlanGrowth, TasksComeAtTheEndWithThePlansDefaultsAndNeedWhatIsThere) {
  ASSERT_EQ(add(R"([{"id":"use","prompt":"See {outputs.split}","uses":["database"]},
                    {"id":"later","run":"true","needs":["use","b*"]}])"),
            "");
  ASSERT_EQ(plan.tasks.size(), 4u);
  const Task& use = plan.tasks[2];
  EXPECT_EQ(use.retries, 3);
  EXPECT_EQ(use.timeout, std::chrono::minutes(7));
  EXPECT_EQ(use.uses.size(), 1u);
  EXPECT_EQ(use.needs, std::vector<TaskId>{TaskId(0)});
  EXPECT_EQ(use.output_of, std::vector<TaskId>{TaskId(0)});
  EXPECT_EQ(plan.tasks[3].needs, (std::vector<TaskId>{TaskId(1), TaskId(2)}));
  EXPECT_EQ(add(R"([{"id":"last","run":"true","needs":["later"]}])"), "");
  EXPECT_EQ(plan.tasks[4].needs, std::vector<TaskId>{TaskId(3)});
}

TEST_F(PlanGrowth, AForeachOverFilesUnfolds) {
  ASSERT_EQ(add(R"([{"id":"s-{item.stem}","foreach":"sources/*.md","run":["wc","{item}"]}])"), "");
  ASSERT_EQ(plan.tasks.size(), 4u);
  EXPECT_EQ(plan.tasks[2].id, "s-a");
  EXPECT_EQ(plan.tasks[3].run.arguments[1], "sources/b c.md");
}

TEST_F(PlanGrowth, AConditionLooksAtWhatIsThere) {
  ASSERT_EQ(
      add(R"([{"id":"use","run":"true","when":"outputs.split.ok and outcome.build == 'done'"}])"),
      "");
  const Task& use = plan.tasks[2];
  EXPECT_EQ(use.needs, std::vector<TaskId>{TaskId(0)});
  EXPECT_EQ(use.after, std::vector<TaskId>{TaskId(1)});
  EXPECT_EQ(use.when_inputs.size(), 2u);
  EXPECT_EQ(add(R"([{"id":"more","run":"true","needs":[{"any_of":["build","use"]}]}])"), "");
  EXPECT_EQ(plan.tasks[3].any_of.front(), (std::vector<TaskId>{TaskId(1), TaskId(2)}));
  EXPECT_EQ(add(R"([{"id":"x","run":"true","when":"outputs.nobody"}])"),
            "no task `nobody` before it\n");
  EXPECT_EQ(add(R"([{"id":"x-{item}","run":"true","foreach":"{outputs.split}","at_most":2}])"),
            "a task that is added cannot go through an output (add the tasks one by one when the "
            "output is there)\n");
}

TEST_F(PlanGrowth, WhatIsWrongIsSaidAndNothingIsAdded) {
  EXPECT_EQ(add(R"([{"id":"fine","run":"true"},{"id":"build","run":"true"}])"),
            "the plan has a task `build` already (give it another id)\n");
  EXPECT_EQ(add(R"([{"id":"x","run":"true","needs":["buidl"]}])"),
            "no task `buidl` (did you mean `build`?)\n");
  EXPECT_EQ(add(R"([{"id":"x","run":"true","needs":["y"]},{"id":"y","run":"true"}])"),
            "task `y` does not come before this one (tasks that are added need earlier ones: put "
            "it first)\n");
  EXPECT_EQ(add(R"([{"id":"x","prompt":"{outputs.build}"}])"),
            "task `build` gives no output but its exit status (give it `output: text` or a "
            "schema)\n");
  EXPECT_EQ(add(R"([{"id":"x","runs":"true"}])").substr(0, 18), "unknown key `runs`");
  EXPECT_NE(add("{\"id\":\"x\"}"), "");
  EXPECT_NE(add("[\xff]"), "");
  EXPECT_EQ(plan.tasks.size(), 2u);
}

}  // namespace
}  // namespace interlock::plan
