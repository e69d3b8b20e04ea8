#include "engine/task_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

/// What some events change of how tasks stand, a line a task.
std::string changed_by(const std::vector<Event>& events) {
  std::map<TaskId, StandingChange> changes;
  for (const Event& event : events) add_standing_changes(changes, event);
  std::string text;
  for (const auto& [task, change] : changes)
    text += fmt::format("{}: {}{}\n", task.index(), change.state ? name_of(*change.state) : "same",
                        change.at_gate ? *change.at_gate ? ", at a gate" : ", at none" : "");
  return text;
}

template <typename Kind>
Kind of(std::size_t task) {
  Kind event;
  event.task = TaskId(task);
  return event;
}

TEST(TaskIndex, TheLastWordOfATurnOnATaskCounts) {
  EXPECT_EQ(changed_by({of<AttemptStarted>(0), of<AttemptEnded>(0), of<TaskDone>(0),
                        of<AttemptStarted>(1), of<RetryPlanned>(1)}),
            "0: done, at none\n1: waiting\n");
}

TEST(TaskIndex, AGateIsOpenUntilItIsAnsweredOrTheTaskIsOver) {
  EXPECT_EQ(
      changed_by({GateReached{TaskId(0), GateKind::before}, GateReached{TaskId(1), GateKind::after},
                  GateReached{TaskId(2), GateKind::before},
                  GateAnswered{TaskId(2), GateKind::before, true, "ann"},
                  GateReached{TaskId(3), GateKind::before}, of<TaskCancelled>(3),
                  GateReached{{}, GateKind::review}}),
      "0: same, at a gate\n1: reviewing, at a gate\n2: same, at none\n"
      "3: cancelled, at none\n");
}

TEST(TaskIndex, WhatIsLostWaitsAgain) {
  ChangesLost lost;
  lost.tasks = {TaskId(1), TaskId(3)};
  EXPECT_EQ(changed_by({lost}), "1: waiting, at none\n3: waiting, at none\n");
}

TEST(TaskIndex, AnEventIsFoundByItsTaskOrByItsRun) {
  EXPECT_EQ(subject_of(of<TaskDone>(7)), 7);
  EXPECT_EQ(subject_of(GateReached{TaskId(2), GateKind::after}), 2);
  EXPECT_EQ(subject_of(GateReached{{}, GateKind::review}), kOfRun);
  EXPECT_EQ(subject_of(RunBegan{}), kOfRun);
  EXPECT_EQ(subject_of(of<TaskMoved>(1)), kOfRun) << "it is put among all others";
  EXPECT_EQ(subject_of(MergeMade{}), std::nullopt);
}

TEST(TaskIndex, OfThoseThatWereNotChosenNothingIsSaid) {
  const NumberAmong among = [](TaskId task) {
    return task.index() >= 5 ? std::optional(TaskId(task.index() - 5)) : std::nullopt;
  };
  Event refused = CommitRefused{TaskId(6), 1, {}, 1, {TaskId(2), TaskId(5)}, "changed"};
  ASSERT_TRUE(renumber(refused, among));
  EXPECT_EQ(std::get<CommitRefused>(refused).task, TaskId(1));
  EXPECT_EQ(std::get<CommitRefused>(refused).by, std::vector{TaskId(0)});
  EXPECT_EQ(std::get<CommitRefused>(refused).detail, "changed");
  Event skipped = TaskSkipped{TaskId(6), TaskId(2), {}};
  ASSERT_TRUE(renumber(skipped, among));
  EXPECT_EQ(std::get<TaskSkipped>(skipped).because, std::nullopt);
  Event other = of<TaskDone>(4);
  EXPECT_FALSE(renumber(other, among));
  Event of_run = RunHeld{true, "ann"};
  EXPECT_TRUE(renumber(of_run, among));
  EXPECT_EQ(std::get<RunHeld>(of_run).by, "ann");
}

}  // namespace
}  // namespace interlock::engine
