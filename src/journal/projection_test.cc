#include "journal/projection.h"

#include <gmock/gmock.h>

// What a run's events say of how it used its machine and its people.
namespace interlock::journal {
namespace {

using namespace engine;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNoon = Time(std::chrono::hours(500'000));

/// `a` and `b` return prose, and `c` needs both.
std::vector<TaskLabel> labels() {
  std::vector<TaskLabel> made{{"a", "claude", ""}, {"b", "claude", ""}, {"c", "sh", ""}};
  made[0].is_loose = made[1].is_loose = true;
  made[2].loose_before = {TaskId(0), TaskId(1)};
  return made;
}

class ARun {
 public:
  ARun() : projection_({"r-1", "p", "/w"}, labels()) {}

  ARun& then(Event event, Duration after = {}) {
    at_ += after;
    projection_.apply({++seq_, at_, std::move(event)});
    return *this;
  }
  ARun& ended(std::uint32_t task, std::uint32_t attempt = 1, Outcome outcome = Outcome::succeeded) {
    AttemptEnded event;
    event.task = TaskId(task);
    event.attempt = attempt;
    event.outcome = outcome;
    event.cpu_time = seconds(7);
    event.memory_peak_bytes = 5 << 20;
    return then(std::move(event));
  }
  ARun& done(std::uint32_t task) {
    ended(task);
    return then(TaskDone{TaskId(task), 1, {}, {}, {}});
  }
  Measured take() { return projection_.take(); }

 private:
  Projection projection_;
  Time at_ = kNoon;
  std::uint64_t seq_ = 0;
};

std::string show(const std::vector<Measured::Joined>& joined) {
  std::string text;
  for (const Measured::Joined& it : joined)
    text += it.task + "#" + std::to_string(it.attempt) + " " +
            std::to_string(std::chrono::round<seconds>(it.took).count()) + " s\n";
  return text;
}

TEST(Projection, OfAnAttemptSaysWhatItTookOfItsMachine) {
  const Measured measured = ARun().ended(2).take();
  ASSERT_EQ(measured.samples.size(), 1u);
  EXPECT_EQ(measured.samples[0].cpu_time, seconds(7));
  EXPECT_EQ(measured.samples[0].memory_peak_bytes, 5 << 20);
}

TEST(Projection, WhatAPersonTookAtTheGateBeforeATaskIsJoiningWhatItNeeds) {
  ARun run;
  run.ended(0, 1, Outcome::exited_nonzero).ended(0, 2).done(1);
  run.then(GateReached{TaskId(2), GateKind::before});
  run.then(GateAnswered{TaskId(2), GateKind::before, true, "ann"}, minutes(4));
  EXPECT_EQ(show(run.take().joined), "a#2 120 s\nb#1 120 s\n");
}

TEST(Projection, AtTheGateAfterATaskItIsItsOwnOutput) {
  ARun run;
  run.ended(0).then(GateReached{TaskId(0), GateKind::after});
  run.then(GateAnswered{TaskId(0), GateKind::after, true, "ann"}, minutes(1));
  EXPECT_EQ(show(run.take().joined), "a#1 60 s\n");
}

TEST(Projection, AtAReviewItIsWhatCameSinceTheOneBefore) {
  ARun run;
  const auto review = [&](bool approved) {
    run.then(GateReached{std::nullopt, GateKind::review});
    run.then(GateAnswered{std::nullopt, GateKind::review, approved, "ann"}, minutes(1));
  };
  run.done(0).done(2);
  review(true);
  run.done(1);
  review(true);
  EXPECT_EQ(show(run.take().joined), "a#1 60 s\nb#1 60 s\n");
}

TEST(Projection, WhoRejectsOrIsAwayJoinsNothing) {
  ARun run;
  run.done(0).done(1).then(GateReached{TaskId(2), GateKind::before});
  run.then(GateAnswered{TaskId(2), GateKind::before, false, "ann"}, minutes(1));
  run.then(GateReached{TaskId(2), GateKind::before});
  run.then(GateAnswered{TaskId(2), GateKind::before, true, "ann"}, std::chrono::hours(9));
  const Measured measured = run.take();
  EXPECT_EQ(show(measured.joined), "");
  EXPECT_EQ(measured.samples.back().elapsed, std::chrono::hours(9)) << "an answer it is";
}

TEST(Projection, AtAGateThatShowsNothingLooseNothingIsJoined) {
  ARun run;
  run.done(2).then(GateReached{TaskId(2), GateKind::after});
  run.then(GateAnswered{TaskId(2), GateKind::after, true, "ann"}, minutes(1));
  // A result of an earlier run was read there.
  run.then(TaskDone{TaskId(0), 0, {}, {}, "r-0"}).then(GateReached{TaskId(2), GateKind::before});
  run.then(GateAnswered{TaskId(2), GateKind::before, true, "ann"}, minutes(1));
  EXPECT_EQ(show(run.take().joined), "");
}

TEST(Projection, ACoordinatorSaysHowManyOutputsItJoined) {
  std::vector<TaskLabel> tasks{{"merge:all", "claude", ""}};
  tasks[0].joins = 3;
  Projection projection({"r-1", "p", "/w"}, std::move(tasks));
  AttemptEnded event;
  event.task = TaskId(0);
  projection.apply({1, kNoon, event});
  EXPECT_EQ(projection.take().samples.at(0).joined, 3);
}

}  // namespace
}  // namespace interlock::journal
