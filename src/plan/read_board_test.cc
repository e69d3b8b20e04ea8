#include "plan/read_board.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>

#include "plan/growth.h"
#include "support/fake_files.h"

// The board of a plan: who may post and read what, and who waits for whom because of that.
namespace interlock::plan {
namespace {

using testing_support::FakeFiles;

const ReadOptions kOptions{.file = "p", .folder = "/plan", .set = {}, .isolation = {}};

ReadResult read(std::string_view rest) {
  FakeFiles files;
  return read_plan(fmt::format("interlock: 1\n{}", rest), kOptions, files);
}

/// Each task that waits for others without needing them: `c: a b`.
std::string waits(const Plan& plan) {
  std::string text;
  for (const Task& task : plan.tasks) {
    if (task.after.empty()) continue;
    text += task.id + ":";
    for (const TaskId before : task.after) text += " " + plan[before].id;
    text += "\n";
  }
  return text;
}

std::string waits_in(std::string_view rest) {
  const ReadResult result = read(rest);
  EXPECT_EQ(render(result.problems, "p"), "");
  return waits(result.plan);
}

/// The first problem and its hint.
std::string complaint(std::string_view rest) {
  const ReadResult result = read(rest);
  if (result.problems.empty()) return {};
  return fmt::format("{}: {} ({})", result.problems.front().place.line,
                     result.problems.front().message, result.problems.front().hint);
}

TEST(ReadBoard, AReaderOfAnOrderedTopicWaitsForThoseBeforeItThatPost) {
  EXPECT_EQ(waits_in("board: {t: ordered}\n"
                     "tasks:\n"
                     "  - {id: a, run: x, board: {post: t}}\n"
                     "  - {id: b, run: x, board: {post: t}}\n"
                     "  - {id: c, run: x, board: [t]}\n"
                     "  - {id: d, run: x}\n"
                     "  - {id: e, run: x, board: {read: t}}\n"
                     "  - {id: f, run: x, board: {post: t}}\n"),
            "c: a b\ne: c\n")
      << "one that reads too stands for those before it; who only posts waits for nobody";
}

TEST(ReadBoard, AReaderOfRoundsWaitsForTheRoundsBeforeAndComesAfterThem) {
  EXPECT_EQ(waits_in("board: {t: rounds}\n"
                     "tasks:\n"
                     "  - {id: late, run: x, board: {read: t, round: 2}}\n"
                     "  - {id: a, run: x, board: [t]}\n"
                     "  - {id: b, run: x, board: [t]}\n"
                     "  - {id: sum, run: x, board: {post: t, read: t, round: 2}}\n"),
            "late: a b\nsum: a b\n");
}

TEST(ReadBoard, TasksThatAreRepeatedHaveTheRoundsOfTheirRepeat) {
  const std::string waited = waits_in(
      "board: {t: rounds}\n"
      "tasks:\n"
      "  - {repeat: {until: 'outputs.fix.ok == true', at_most: 2}, tasks: [\n"
      "     {id: fix, run: x, output: json, board: [t]}, {id: see, run: x, board: {read: t}}]}\n");
  EXPECT_NE(waited.find("see.2: fix.1"), waited.npos) << waited;
  EXPECT_EQ(waited.find("see.1"), waited.npos) << waited;
}

TEST(ReadBoard, NobodyWaitsForALiveTopic) {
  EXPECT_EQ(waits_in("board: {t: live}\n"
                     "tasks: [{id: a, run: x, board: [t]}, {id: b, run: x, board: [t]}]\n"),
            "");
}

TEST(ReadBoard, MistakesAreToldWithTheirPlace) {
  EXPECT_EQ(complaint("board: {t: ordered}\ntasks: [{id: a, run: x, board: [tt]}]\n"),
            "3: no topic `tt` (did you mean `t`?)");
  EXPECT_EQ(complaint("board: {'a/b': live}\ntasks: [{id: a, run: x}]\n"),
            "2: `a/b` is not a name for a topic (names are letters, digits, `_`, `-` and `.`, at "
            "most 64)");
  EXPECT_EQ(complaint("board: {t: live}\ntasks: [{id: a, run: x, board: {read: t, round: 2}}]\n"),
            "3: none of its topics goes by rounds (leave `round` out, or declare the topic as "
            "`rounds`)");
  EXPECT_EQ(complaint("board: {t: live}\ntasks: [{id: a, run: x, board: {}}]\n"),
            "3: it names no topic (give it `post`, `read` or both)");
}

TEST(ReadBoard, ATaskThatIsAddedWaitsForThoseItHears) {
  Plan plan = read(
                  "board: {t: ordered, r: rounds}\n"
                  "tasks:\n"
                  "  - {id: a, run: x, board: {post: t}}\n"
                  "  - {id: b, run: x, board: {read: r, round: 2}}\n")
                  .plan;
  FakeFiles files;
  Growth growth(plan);
  EXPECT_TRUE(growth
                  .add("[{id: c, run: x, board: [t]}, {id: d, run: x, board: {read: t}}]", kOptions,
                       files, plan)
                  .empty());
  EXPECT_EQ(waits(plan), "c: a\nd: a c\n");
  const auto problems = growth.add("[{id: e, run: x, board: {post: r}}]", kOptions, files, plan);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems.front().message, "it posts in round 1, and `b` of round 2 stands before it");
}

}  // namespace
}  // namespace interlock::plan
