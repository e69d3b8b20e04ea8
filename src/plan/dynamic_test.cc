// Plans whose tasks hang on what others give: conditions, `foreach` over an output, `repeat`,
// `any_of`.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/families.h"
#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::plan {
namespace {

using testing_support::FakeFiles;
using Items = std::map<std::uint32_t, std::vector<std::string>>;

ReadResult read(std::string_view tasks, const Items& items = {}) {
  FakeFiles files({{"/plan/sources/a.md", ""}, {"/plan/ask.md", "Look at {item} of {item.kind}."}});
  ReadOptions options;
  options.file = "plan.yaml";
  options.folder = "/plan";
  options.items = items;
  return read_plan("interlock: 1\ntasks:\n" + std::string(tasks), options, files);
}

/// What is wrong, a line each.
std::string wrong(std::string_view tasks, const Items& items = {}) {
  std::string out;
  for (const Problem& one : read(tasks, items).problems)
    out += fmt::format("{}:{} {}{}\n", one.place.line, one.place.column, one.message,
                       one.hint.empty() ? "" : " | " + one.hint);
  return out;
}

std::string ids(const Plan& plan, const std::vector<TaskId>& tasks) {
  std::string out;
  for (const TaskId task : tasks) out += (out.empty() ? "" : " ") + plan[task].id;
  return out;
}

/// Each task: who it needs, whom it only waits for, when it runs.
std::string shown(const Plan& plan) {
  std::string out;
  for (const Task& task : plan.tasks) {
    out += task.id;
    if (!task.needs.empty()) out += " needs " + ids(plan, task.needs);
    if (!task.after.empty()) out += " after " + ids(plan, task.after);
    if (!task.when.empty()) out += " when " + task.when;
    for (const ConditionInput& input : task.when_inputs)
      out +=
          fmt::format(" [{}{} {}]", plan[input.task].id, input.is_outcome ? "?" : "", input.steps);
    out += "\n";
  }
  return out;
}

std::string plan_of(std::string_view tasks, const Items& items = {}) {
  const auto result = read(tasks, items);
  return result.problems.empty() ? shown(result.plan) : render(result.problems, "plan.yaml");
}

TEST(Dynamic, AConditionMakesNeedsOfOutputsAndWaitsOfOutcomes) {
  EXPECT_EQ(plan_of(R"(
  - {id: fix, when: "outputs.a.b.ok == false and outcome.build != 'done'", run: x}
  - {id: a.b, run: x, output: json}
  - {id: build, run: x}
)"),
            "a.b\nbuild\n"
            "fix needs a.b after build when outputs.a.b.ok == false and outcome.build != 'done' "
            "[a.b 2] [build? 1]\n");
}

TEST(Dynamic, ACaretStandsUnderWhatIsWrongWithACondition) {
  EXPECT_EQ(render(read(R"(
  - id: fix
    when: "outputs.review.ok = false"
    run: x
)")
                       .problems,
                   "plan.yaml"),
            "plan.yaml:5:30: error: `=` compares nothing\n"
            "    5 |     when: \"outputs.review.ok = false\"\n"
            "      |                              ^\n"
            "  hint: write `==`\n");
  EXPECT_EQ(wrong(R"(
  - {id: a, run: x}
  - {id: b, when: "outputs.a", run: x}
  - {id: c, when: "outputs.z or outcome.c == 'done'", run: x}
  - {id: d, when: {a: 1}, run: x}
)"),
            "5:20 task `a` gives no output but its exit status | give it an `output`, or look at "
            "`outcome.a`\n"
            "6:20 no task `z`\n"
            "6:33 the condition of task `c` looks at itself\n"
            "7:19 expected a condition such as `\"outputs.review.approved == false\"`, found a "
            "map\n");
}

TEST(Dynamic, AFamilyHasItsPlacesBeforeItsItemsAreKnown) {
  constexpr std::string_view kTasks = R"(
  - {id: split, run: x, output: json}
  - id: "do-{item}"
    foreach: "{outputs.split.items}"
    at_most: 3
    run: [work, "{item}", "{item.kind}"]
    reads: ["in/{item}.md", common]
    writes: ["out/{index}.md", "notes/n-{item}/x"]
  - {id: after, needs: ["do-*"], run: x}
)";
  const auto open = read(kTasks);
  ASSERT_EQ(render(open.problems, "p"), "");
  EXPECT_EQ(shown(open.plan),
            "split\ndo[1] needs split\ndo[2] needs split\ndo[3] needs split\n"
            "after needs do[1] do[2] do[3]\n");
  EXPECT_EQ(open.plan.tasks[2].footprint.reads.text(), "in/**, common");
  EXPECT_EQ(open.plan.tasks[2].footprint.writes.text(), "out/*.md, notes/n-*, notes/n-*/**");
  const auto known = read(kTasks, {{0, {R"({"kind":"a b"})", R"({"kind":"k","n":1})"}}});
  ASSERT_EQ(render(known.problems, "p"), "");
  EXPECT_EQ(shown(known.plan),
            "split\ndo-kind-a-b needs split\ndo-kind-k-n-1 needs split\ndo[3] needs split\n"
            "after needs do-kind-a-b do-kind-k-n-1 do[3]\n");
  EXPECT_EQ(known.plan.tasks[1].footprint.writes.text(), R"(out/1.md, notes/n-\{"kind":"a b"\}/x)");
  EXPECT_EQ(known.plan.tasks[2].run.arguments[2], "k");
  ASSERT_EQ(known.plan.families.size(), 1u);
  EXPECT_EQ(known.plan.families[0].first, TaskId(1));
  EXPECT_EQ(known.plan.families[0].producer, TaskId(0));
}

TEST(Dynamic, WhatIsWrongWithItemsIsSaid) {
  const std::string tasks = R"(
  - {id: split, run: x, output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", at_most: 9, run: "echo {item}", writes: ["out/{item}"], reads: []}
)";
  EXPECT_EQ(wrong(tasks, {{0, {R"("a")", R"("a")"}}}),
            "5:11 two items give the same id `do-a`: `a` and `a` | put `{index}` into the id\n");
  EXPECT_NE(wrong(tasks, {{0, {R"("../up")"}}}), "");
  EXPECT_EQ(wrong(R"(
  - {id: split, run: x, output: text}
  - {id: "do-{item}", foreach: "{outputs.split}", run: x}
  - {id: do, foreach: "{outputs.split}", at_most: 2, run: x}
  - {id: "z-{item}", foreach: "{outputs.nobody.x}", at_most: 2, run: x}
  - {id: "y-{item}", foreach: "{outputs.split.x}", at_most: 2, run: x}
  - {id: "q-{item}", needs: ["do-{item}"], foreach: "{outputs.split}", at_most: 2, run: x}
  - {id: w, at_most: 2, run: x}
)"),
            "5:33 a `foreach` over an output needs `at_most` | say how many tasks may come of it: "
            "`at_most: 20`\n"
            "6:10 every task of a `foreach` would have this id | put a placeholder into it: "
            "`\"do-{index}\"`\n"
            "7:32 no task `nobody`\n"
            "8:32 the output of `split` is text, which has no members | give it `output: json` or "
            "a schema\n"
            "9:5 whom a task needs cannot hang on an item that is not known yet | need all of them "
            "by a pattern, such as `build-*`\n"
            "10:22 `at_most` bounds a `foreach` over an output, and this is none\n");
}

TEST(Dynamic, ItemsAreTheElementsOfAListOrLines) {
  const auto plan = read(R"(
  - {id: lines, run: x, output: text}
  - {id: list, run: x, output: json}
  - {id: "a-{index}", foreach: "{outputs.lines}", at_most: 3, run: x}
  - {id: "b-{index}", foreach: "{outputs.list.of[0]}", at_most: 2, run: x}
)");
  ASSERT_EQ(render(plan.problems, "p"), "");
  const auto said = [&](std::size_t family, const std::string& output) {
    const auto items = items_of(plan.plan, plan.plan.families[family], output);
    return items ? fmt::format("{}", fmt::join(*items, " ")) : items.error().message;
  };
  EXPECT_EQ(said(0, "one\r\n\ntwo \"x\"\n"), R"("one" "two \"x\"")");
  EXPECT_EQ(said(0, ""), "");
  EXPECT_EQ(said(0, "1\n2\n3\n4"), "`lines` gave 4 items, and `at_most` is 3");
  EXPECT_EQ(said(1, R"({"of":[["a",{"b":2}]]})"), R"("a" {"b":2})");
  EXPECT_EQ(said(1, R"({"of":[[]]})"), "");
  EXPECT_EQ(said(1, R"({"of":3})"),
            "what `foreach` goes through in the output of `list` is null, not a list");
}

TEST(Dynamic, RoundsAreTasksThatRunWhereTheRoundsBeforeWereNotEnough) {
  const auto result = read(R"(
  - repeat: {until: "outputs.review.ok == true", at_most: 2}
    tasks:
      - {id: review, run: "cat; echo {previous.fix}", output: json}
      - {id: fix, when: "outputs.review.ok == false", needs: [review], run: "fix {outputs.review}", output: text}
  - {id: publish, run: "echo {outputs.fix}"}
  - {id: tell, when: "outputs.review.ok", needs: [fix], run: x}
)");
  ASSERT_EQ(render(result.problems, "p"), "");
  EXPECT_EQ(shown(result.plan),
            "review.1\n"
            "fix.1 needs review.1 when outputs.review.ok == false [review.1 1]\n"
            "review.2 needs review.1 fix.1 when not (outputs.review.ok == true) [review.1 1]\n"
            "fix.2 needs review.1 fix.1 review.2 when not (outputs.review.ok == true) and "
            "(outputs.review.ok == false) [review.1 1] [review.2 1]\n"
            "review.until needs review.1 fix.1 review.2 fix.2 when (outputs.review.ok == true) or "
            "(outputs.review.ok == true) [review.1 1] [review.2 1]\n"
            "publish needs fix.1 fix.2 review.until\n"
            "tell needs fix.1 review.2 fix.2 review.until when outputs.review.ok [review.2 1]\n");
  EXPECT_EQ(result.plan.tasks[0].run.shell, "cat; echo ");
  EXPECT_EQ(result.plan.tasks[2].run.shell, "cat; echo {outputs.fix.1}");
  EXPECT_EQ(result.plan.tasks[3].run.shell, "fix {outputs.review.2}");
  EXPECT_EQ(ids(result.plan, result.plan.tasks[5].output_of), "fix.1 fix.2");
  EXPECT_TRUE(result.plan.tasks[4].must_hold);
}

TEST(Dynamic, WhatIsWrongWithRoundsIsSaid) {
  EXPECT_EQ(wrong(R"(
  - {id: a, run: x, output: json, repeat: {at_most: 2}}
  - {id: b, run: x, output: json, repeat: {until: "outputs.b"}}
  - {id: c, run: x, output: json, repeat: {until: "outputs.c ==", at_most: 2}}
  - {id: "d-{item}", foreach: "*", run: x, repeat: {until: "outputs.c", at_most: 2}}
  - {id: e, run: x, repeat: {until: "outputs.nobody", at_most: 2}}
)")
                .substr(0, 27),
            "4:43 `repeat` needs `until`");
}

TEST(Dynamic, OneOfSeveralNeedsIsAnOrderAndNoNeed) {
  EXPECT_EQ(plan_of(R"(
  - {id: c, needs: [a, {any_of: [b, "x-*"]}], run: x}
  - {id: a, run: x}
  - {id: b, run: x}
  - {id: x-1, run: x}
  - {id: x-2, run: x}
)"),
            "a\nb\nx-1\nx-2\nc needs a after b x-1 x-2\n");
  EXPECT_EQ(wrong(R"(
  - {id: c, needs: {any_of: []}, run: x}
  - {id: d, needs: [{all_of: [c]}], run: x}
)"),
            "4:29 `any_of` names no task\n5:21 the group of needs has no `any_of`\n"
            "5:22 unknown key `all_of` in a group of needs | did you mean `any_of`?\n");
}

}  // namespace
}  // namespace interlock::plan
