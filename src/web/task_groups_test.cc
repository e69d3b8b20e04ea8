#include "web/task_groups.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::web {
namespace {

plan::Task task_at(const std::string& id, std::uint32_t line, const std::string& item = {}) {
  plan::Task task;
  task.id = id;
  task.place = {line, 3};
  task.item = item;
  return task;
}

/// `name: ids`, a line a group, and the kind.
std::string shown(const plan::Plan& plan) {
  const TaskGroups made = groups_of(plan);
  std::string text;
  for (std::uint32_t group = 0; group < made.groups.size(); ++group) {
    text +=
        fmt::format("{} {}:", made.groups[group].kind == TaskGroup::Kind::tries ? "tries" : "items",
                    made.groups[group].name);
    for (std::size_t i = 0; i < made.of.size(); ++i)
      if (made.of[i] == group) text += " " + plan.tasks[i].id;
    text += "\n";
  }
  return text;
}

TEST(TaskGroups, are_those_of_a_foreach_over_files_named_by_what_their_ids_share) {
  plan::Plan plan;
  plan.tasks = {task_at("note-a.md", 3, "a.md"), task_at("first", 2),
                task_at("note-bb.md", 3, "bb.md"), task_at("check-a", 4, "a.md"),
                task_at("note-ab.md", 3, "ab.md")};
  EXPECT_EQ(shown(plan),
            "items note-….md: note-a.md note-bb.md note-ab.md\n"
            "items check-a: check-a\n");
}

TEST(TaskGroups, do_not_cut_names_inside_of_a_character) {
  plan::Plan plan;
  plan.tasks = {task_at("x-é1", 3, "1"), task_at("x-è1", 3, "2")};
  EXPECT_EQ(shown(plan), "items x-…1: x-é1 x-è1\n");
  plan.tasks = {task_at("aa", 3, "1"), task_at("aaa", 3, "2"), task_at("a", 3, "3")};
  EXPECT_EQ(shown(plan), "items a…: aa aaa a\n");
}

TEST(TaskGroups, are_places_of_a_fan_out_and_tries_with_their_judge_and_task) {
  plan::Plan plan;
  plan.families.push_back({.id = "part-{item}", .first = TaskId(1), .at_most = 2});
  plan.tasks = {task_at("make", 2),  task_at("part-1", 3), task_at("part-2", 3),
                task_at("fix.1", 4), task_at("fix.2", 4),  task_at("fix.judge", 4),
                task_at("fix", 4),   task_at("end", 5)};
  plan.tasks[1].family = plan.tasks[2].family = 0;
  plan.tasks[3].try_of = plan.tasks[4].try_of = plan.tasks[5].judge_of = TaskId(6);
  plan.tasks[6].tries = {TaskId(3), TaskId(4)};
  EXPECT_EQ(shown(plan),
            "items part-{item}: part-1 part-2\n"
            "tries fix: fix.1 fix.2 fix.judge fix\n");
  // Tries of what a `foreach` made are of that.
  plan.tasks[6].item = "a";
  EXPECT_EQ(shown(plan),
            "items part-{item}: part-1 part-2\n"
            "items fix…: fix.1 fix.2 fix.judge fix\n");
}

}  // namespace
}  // namespace interlock::web
