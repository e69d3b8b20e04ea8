// Tasks with `tries`, as they are read.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::plan {
namespace {

ReadResult read(std::string_view tasks) {
  testing_support::FakeFiles files({{"/plan/sources/a.md", ""}, {"/plan/sources/b.md", ""}});
  ReadOptions options;
  options.file = "plan.yaml";
  options.folder = "/plan";
  return read_plan(
      "interlock: 1\n"
      "agents:\n"
      "  weak: {kind: command, run: weak}\n"
      "  strong: {kind: command, run: strong}\n"
      "  idle: {kind: command}\n"
      "resources:\n"
      "  db: {kind: lock}\n"
      "defaults: {isolation: view}\n"
      "tasks:\n" +
          std::string(tasks),
      options, files);
}

std::string wrong(std::string_view tasks) {
  std::string out;
  for (const Problem& one : read(tasks).problems)
    out += fmt::format("{}{}\n", one.message, one.hint.empty() ? "" : " | " + one.hint);
  return out;
}

std::string ids(const Plan& plan, const std::vector<TaskId>& tasks) {
  std::string out;
  for (const TaskId task : tasks) out += " " + plan[task].id;
  return out;
}

std::string shown(const Plan& plan) {
  std::string out;
  for (const Task& task : plan.tasks) {
    out += task.id;
    if (!task.needs.empty()) out += " needs" + ids(plan, task.needs);
    if (!task.after.empty()) out += " after" + ids(plan, task.after);
    if (!task.tries.empty()) out += " tries" + ids(plan, task.tries);
    if (task.try_of) out += " try of " + plan[*task.try_of].id;
    if (task.judge_of) out += " judge of " + plan[*task.judge_of].id;
    out += "\n";
  }
  return out;
}

std::string plan_of(std::string_view tasks) {
  const auto result = read(tasks);
  return result.problems.empty() ? shown(result.plan) : render(result.problems, "plan.yaml");
}

TEST(Tries, AreTasksRightBeforeTheirTaskWhichAloneOthersName) {
  EXPECT_EQ(plan_of(R"(
  - {id: tell, run: "cat {output_files.fix}", reads: []}
  - {id: fix, run: x, needs: [first], output: text, reads: [], writes: [a], tries: 2, retries: 3}
  - {id: first, run: x, reads: []}
  - {id: last, run: x, reads: [], needs: ["fi*"]}
)"),
            "first\n"
            "fix.1 needs first try of fix\n"
            "fix.2 needs first try of fix\n"
            "fix needs first after fix.1 fix.2 tries fix.1 fix.2\n"
            "tell needs fix\n"
            "last needs first fix\n");
  const auto result = read("  - {id: fix, run: x, reads: [], tries: 2, retries: 3, gate: after}\n");
  ASSERT_TRUE(result.problems.empty());
  EXPECT_EQ(result.plan.tasks[0].retries, 0) << "retries are for when no try was good";
  EXPECT_FALSE(result.plan.tasks[0].gate_after);
  EXPECT_EQ(result.plan.tasks[2].retries, 3);
  EXPECT_TRUE(result.plan.tasks[2].gate_after);
}

TEST(Tries, HaveAJudgeWhereOneIsAskedFor) {
  const auto result = read(R"(
  - {id: "fix-{item.stem}", foreach: "sources/*.md", agent: weak, prompt: do, reads: [], tries: 2, pick: judge}
  - {id: b, agent: weak, prompt: do, reads: [], tries: 3, pick: {judge: {agent: strong, prompt: "Which?", retries: 2}}}
)");
  ASSERT_TRUE(result.problems.empty()) << render(result.problems, "plan.yaml");
  EXPECT_EQ(shown(result.plan),
            "fix-a.1 try of fix-a\nfix-a.2 try of fix-a\n"
            "fix-a.judge after fix-a.1 fix-a.2 judge of fix-a\n"
            "fix-a needs fix-a.judge after fix-a.1 fix-a.2 tries fix-a.1 fix-a.2\n"
            "fix-b.1 try of fix-b\nfix-b.2 try of fix-b\n"
            "fix-b.judge after fix-b.1 fix-b.2 judge of fix-b\n"
            "fix-b needs fix-b.judge after fix-b.1 fix-b.2 tries fix-b.1 fix-b.2\n"
            "b.1 try of b\nb.2 try of b\nb.3 try of b\n"
            "b.judge after b.1 b.2 b.3 judge of b\n"
            "b needs b.judge after b.1 b.2 b.3 tries b.1 b.2 b.3\n");
  const Task& judge = result.plan.tasks[11];
  EXPECT_EQ(judge.prompt, "Which?");
  EXPECT_EQ(judge.retries, 2);
  EXPECT_EQ(judge.run.shell, "strong");
  EXPECT_NE(judge.output.schema->find(R"("maximum": 3)"), std::string::npos);
  EXPECT_EQ(result.plan.tasks[2].run.shell, "weak") << "who does the task judges it";
}

TEST(Tries, WaitForWhomTheirTaskWaitsAndNotForEachOther) {
  const auto result = read(R"(
  - {id: before, run: x, reads: [], writes: [a]}
  - {id: fix, run: x, reads: [], writes: [a], tries: 2}
  - {id: after, run: x, reads: [a], writes: [b]}
)");
  ASSERT_TRUE(result.problems.empty());
  std::string edges;
  for (const auto& edge : interlocking_of(result.plan).edges) {
    edges += fmt::format("{} -> {} {}\n", result.plan[edge.before].id, result.plan[edge.after].id,
                         footprint::name_of(edge.why));
  }
  EXPECT_EQ(edges,
            "before -> fix.1 write-write\n"
            "before -> fix.2 write-write\n"
            "before -> fix write-write\n"
            "fix.1 -> fix outcome\n"
            "fix.2 -> fix outcome\n"
            "fix -> after write-read\n");
}

TEST(Tries, WhatCannotHaveThemIsRefused) {
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 1}\n"),
            "expected a whole number from 2 to 10, found `1`\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 11}\n"),
            "expected a whole number from 2 to 10, found `11`\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, pick: judge}\n"),
            "`pick` chooses among tries, and there are none | say how many: `tries: 3`\n");
  for (const std::string isolation : {"direct", "guard"}) {
    EXPECT_EQ(wrong(fmt::format("  - {{id: a, run: x, reads: [], tries: 2, isolation: {}}}\n",
                                isolation)),
              fmt::format("tries change one workspace side by side, which `isolation: {}` cannot | "
                          "give each a copy: `isolation: view` or `isolation: worktree`\n",
                          isolation));
  }
  EXPECT_EQ(wrong("  - {id: a, agent: weak, prompt: x, tries: 2, batch: 3}\n"),
            "a task with `tries` shares no attempt with others | leave `batch` or `tries` out\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, gate: before}\n"),
            "a task with `tries` has no gate before it, as its tries come first | put the gate "
            "before a task that it needs; `gate: after` asks about the picked one\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, uses: [db]}\n"),
            "several tries cannot hold the lock `db` at once | make it `kind: slots` with a "
            "capacity for all of them\n");
  EXPECT_TRUE(wrong("  - {id: a, run: x, tries: 2, board: [notes]}\n")
                  .contains("a task with `tries` leaves no notes on a board"));
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, repeat: {until: \"outputs.a\", at_most: 2}}\n"),
            "a task that is repeated has no `tries` | it is done again as long as it is not good "
            "enough: that is `repeat`\n");
  EXPECT_EQ(
      wrong("  - {id: s, run: x, output: json}\n"
            "  - {id: \"a-{index}\", foreach: \"{outputs.s}\", at_most: 3, run: x, tries: 2}\n"),
      "a `foreach` over an output has no `tries` | let one task with `tries` go through all "
      "items, or name files instead\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2}\n  - {id: b, run: x, needs: [a.1]}\n"),
            "`a.1` is a try, which may not be the one that counts | name the task that has the "
            "tries\n");
}

TEST(Tries, AJudgeWithoutAnAgentIsRefused) {
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, pick: judge}\n"),
            "the judge of the tries has no agent | name one: `pick: {judge: {agent: NAME}}`\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, pick: {judge: {agent: idle}}}\n"),
            "agent `idle` has no `run`, so nothing would read the tries | name an agent that "
            "takes prompts\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, pick: {}}\n"),
            "`pick` names no judge | write `first-verified`, `judge` or `{judge: {agent: "
            "NAME}}`\n");
  EXPECT_EQ(wrong("  - {id: a, run: x, tries: 2, pick: best}\n").substr(0, 8), "expected");
}

}  // namespace
}  // namespace interlock::plan
