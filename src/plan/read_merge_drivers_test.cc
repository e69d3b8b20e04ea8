#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/compare.h"
#include "plan/read.h"
#include "support/fake_files.h"

// Merge drivers, as a plan document says them.
namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

ReadResult read(std::string_view merge, std::map<std::string, std::string> set = {}) {
  FakeFiles files;
  return read_plan(
      fmt::format("interlock: 1\nmerge: {}\ntasks: [{{id: a, run: x, output: text}}]\n", merge),
      {.file = "p", .folder = "/plan", .set = std::move(set), .isolation = {}}, files);
}

Plan plan_of(std::string_view merge, std::map<std::string, std::string> set = {}) {
  ReadResult result = read(merge, std::move(set));
  EXPECT_EQ(render(result.problems, "p"), "");
  return std::move(result.plan);
}

std::string problem_of(std::string_view drivers) {
  const ReadResult result = read(fmt::format("{{driver: [{}]}}", drivers));
  std::string text;
  for (const Problem& problem : result.problems)
    text += fmt::format("{}; {}\n", problem.message, problem.hint);
  return text;
}

TEST(ReadMergeDrivers, TheFirstWhoseFilesFitJoinsAFile) {
  const Plan plan = plan_of(
      "{driver: [{files: ['**/*.lock', list], run: 'join %A %B', timeout: 5s},"
      " {files: '*', run: [other, '%A']}]}");
  ASSERT_EQ(plan.drivers.size(), 2u);
  EXPECT_EQ(plan.driver_of("deep/x.lock"), &plan.drivers[0]);
  EXPECT_EQ(plan.driver_of("list"), &plan.drivers[0]);
  EXPECT_EQ(plan.driver_of("x"), &plan.drivers[1]);
  EXPECT_EQ(plan.driver_of("deep/x"), nullptr);
  EXPECT_EQ(plan.drivers[0].timeout, std::chrono::seconds(5));
  EXPECT_EQ(plan.drivers[0].said, "join %A %B");
  EXPECT_EQ(plan.drivers[1].timeout, std::chrono::minutes(1));
  EXPECT_TRUE(plan.merges.empty());
}

TEST(ReadMergeDrivers, LettersAreThoseOfGitAndTheirValuesAreData) {
  const Plan plan = plan_of(
      "{driver: [{files: x, run: 'a %O %A %B %P %L \"%S\" %X %Y %% %s'},"
      " {files: y, run: [a, '--to=%A', '100%']}]}");
  EXPECT_EQ(plan.drivers[0].run.shell,
            "a {merge.base} {merge.ours} {merge.theirs} {merge.path} {merge.marker} "
            "\"{merge.base_label}\" {merge.ours_label} {merge.their_label} % %s");
  EXPECT_EQ(plan.drivers[1].run.arguments,
            (std::vector<std::string>{"a", "--to={merge.ours}", "100%"}));
}

TEST(ReadMergeDrivers, WhatIsSetIsFilledInAndNoLetterOfItCounts) {
  const Plan plan =
      plan_of("{driver: [{files: '{name}', run: 'a {tool} %A'}]}", {{"name", "x"}, {"tool", "%B"}});
  EXPECT_EQ(plan.drivers[0].run.shell, "a '%B' {merge.ours}");
  EXPECT_NE(plan.driver_of("x"), nullptr);
}

TEST(ReadMergeDrivers, AMergeMayBeCalledDriver) {
  const Plan plan = plan_of("{driver: {from: a}, other: {from: a}}");
  EXPECT_TRUE(plan.drivers.empty());
  ASSERT_EQ(plan.merges.size(), 2u);
  EXPECT_EQ(plan.merges[0].name, "driver");
}

TEST(ReadMergeDrivers, WhatIsWrongIsSaidOnceEach) {
  EXPECT_EQ(problem_of("{run: 'x %A'}"),
            "the merge driver has no `files`; name whose merge it is, such as "
            "`**/package-lock.json`\n");
  EXPECT_EQ(problem_of("{files: x}"),
            "the merge driver has no `run`; such as `git merge-file --union %A %O %B`\n");
  EXPECT_EQ(problem_of("{files: x, run: 'y %B %%A'}"),
            "the merge driver names no `%A`; it is the file that the result is to be left in, as "
            "for git: `%O` is what both had, `%A` what is there now, `%B` what the task made of "
            "it\n");
  EXPECT_EQ(problem_of("{files: '!x', run: 'y %A'}"),
            "`files` of a merge driver excludes nothing; the first driver that fits a file joins "
            "it: name another before it\n");
  EXPECT_EQ(problem_of("{files: x, run: 'y `z %A`'}"),
            "`%A` stands in backquotes, where a shell would not take it as data; let it stand in "
            "a word of its own\n");
  EXPECT_EQ(problem_of("{files: x, run: [y, '%A', '{outputs.a}']}"),
            "`{outputs.a}` means nothing to a merge driver; it knows %O, %A, %B and %P, and {tmp}, "
            "{workspace}, {run.id} and {task.id}\n");
  EXPECT_EQ(problem_of("{files: x, run: 'y %A', timeout: 0s}"),
            "no merge driver is done at once; such as `1m`\n");
  EXPECT_EQ(problem_of("{files: x, run: 'y %A', with: z}").substr(0, 18), "unknown key `with`");
  EXPECT_EQ(problem_of("sort").substr(0, 23), "expected a merge driver");
}

TEST(ReadMergeDrivers, OneThatIsAnotherIsAChangeOfThePlanAndOfNoTask) {
  const Plan before = plan_of("{driver: [{files: x, run: 'y %A'}]}");
  const Plan after = plan_of("{driver: [{files: x,   run: 'z %A'}]}");
  const PlanChanges changes = changes_between(before, after);
  EXPECT_TRUE(changes.any());
  EXPECT_TRUE(changes.drivers);
  EXPECT_TRUE(changes.tasks.empty());
  EXPECT_FALSE(changes_between(before, before).any());
}

}  // namespace
}  // namespace interlock::plan
